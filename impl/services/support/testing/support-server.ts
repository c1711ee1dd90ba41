// One process that serves support: its own connections to the database, its own event log, its own server.
import { setTimeout as wait } from "node:timers/promises";
import { authorize } from "#impl/middleware/authorize.ts";
import { validate } from "#impl/middleware/validate.ts";
import { type Clock, systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { newId } from "#impl/runtime/ids.ts";
import {
  ecommerceSchema,
  recordingLogger,
  startTestServer,
  type TestServer,
} from "#impl/runtime/testing/test-server.ts";
import { type Database, openDatabase } from "#impl/storage/database.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import { createEventLog, type StoppableEventLog } from "#impl/storage/events/create-event-log.ts";
import { silentLog } from "#impl/storage/storage-log.ts";
import { createPageTokens } from "../../shared/page-token.ts";
import type { ChatLimits } from "../chat-limits.ts";
import { createRoomStore } from "../room-store.ts";
import { createSupportService } from "../support-service.ts";

export const schema = ecommerceSchema();
const ours = [...schema.methods].filter(([path]) => path.includes("SupportService"));
const checkFields = validate({ ...schema, methods: new Map(ours) });

export interface SupportServerOptions {
  /** Of a migrated database. */
  readonly url: string;
  readonly limits?: Partial<ChatLimits>;
  /** Default true. */
  readonly authentication?: boolean;
  /** Of tokens. */
  readonly clock?: Clock;
}

export interface SupportServer {
  readonly server: TestServer;
  readonly database: Database<unknown>;
  readonly log: StoppableEventLog;
  /** Drains, and lets go of everything. Safe to call twice. */
  stop(): Promise<void>;
}

export async function startSupportServer(options: SupportServerOptions): Promise<SupportServer> {
  const { url, limits = {}, authentication = true, clock = systemClock } = options;
  const database = openDatabase<unknown>({
    url,
    maxConnections: 5,
    sleep: (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }),
    random: Math.random,
    log: silentLog,
  });
  const log = createEventLog({ database, schema: "support", clock: systemClock, log: silentLog });
  const service = createSupportService({
    store: createRoomStore(database, { clock: systemClock, log }),
    log,
    database,
    tokens: createPageTokens({ key: new Uint8Array(32).fill(7), clock }),
    newId,
    clock: systemClock,
    logger: recordingLogger([]),
    accessChecked: authentication,
    limits,
  });
  const server = await startTestServer({
    schema,
    services: [service.implementation],
    links: [...(authentication ? [believeTheCaller, authorize] : []), checkFields],
    translators: [storageToRpcError],
  });
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await server.drain();
    await service.stop();
    await log.stop();
    await database.close();
  };
  return {
    server,
    database,
    log,
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

const believeTheCaller: Link = (_, next) => (call, input) => {
  const userId = call.metadata.get("test-user");
  const permissions = new Set(call.metadata.get("test-permissions")?.split(","));
  call.principal = userId === undefined ? undefined : { userId, roles: [], permissions };
  return next(call, input);
};
