// A service as the composition root sees it: what it serves, what it depends on, and what it does in the background.
import type { Config } from "../config.ts";
import type { Audit } from "../observability/audit.ts";
import type { Clock } from "../runtime/clock.ts";
import type { NewId } from "../runtime/ids.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Schema } from "../runtime/schema.ts";
import type { ServiceImplementation } from "../runtime/service.ts";
import type { ServiceClients } from "../service-clients.ts";
import type { PageTokens } from "../services/shared/page-token.ts";
import type { Database } from "../storage/database.ts";

/** What every service is made from. */
export interface PartContext {
  readonly config: Config;
  readonly schema: Schema;
  readonly database: Database<unknown>;
  /** The database's URL, for connections beside the pool. */
  readonly databaseUrl: string;
  readonly clients: ServiceClients;
  /** Seals page and resume tokens. */
  readonly tokens: PageTokens;
  /** False only when authentication is switched off. */
  readonly accessChecked: boolean;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly random: () => number;
  readonly log: Logger;
  readonly audit: Audit;
  /** Released after the server has drained. */
  readonly resources: AsyncDisposableStack;
}

export interface Part {
  /** Full name of the service. */
  readonly service: string;
  readonly implementation: ServiceImplementation;
  /** Names of the health checks that it depends on. */
  readonly dependsOn: readonly string[];
  /** Begins what the service does by itself, once the services it calls can be reached. Stopped before the server drains. */
  readonly work?: () => readonly Stoppable[];
}

export interface Stoppable {
  stop(): Promise<void>;
}

/** Makes a service, its tables brought up to date. */
export type MakePart = (context: PartContext) => Promise<Part>;
