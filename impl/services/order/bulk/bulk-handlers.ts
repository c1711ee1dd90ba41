// The handlers of bulk jobs, for OrderService to have among its own.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import type { SessionLocks } from "#impl/storage/session-locks.ts";
import type { OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import type { PageTokens } from "../../shared/page-token.ts";
import { createOrderAccess } from "../order-access.ts";
import type { IntakeContext } from "../order-intake.ts";
import { createBulkOrderCheck } from "./bulk-order-check.ts";
import { createJobReader } from "./job-reader.ts";
import { type BulkLimits, DEFAULT_BULK_LIMITS, processBulkOrders } from "./process-bulk-orders.ts";
import { watchBulkJob } from "./watch-bulk-job.ts";

export interface BulkOrderOptions {
  readonly database: Database<unknown>;
  /** Of the same database. */
  readonly locks: SessionLocks;
  /** The log of orders. */
  readonly events: EventLog;
  readonly schema: Schema;
  readonly intake: Pick<IntakeContext, "products" | "pricing" | "clock" | "newId">;
  /** For resume tokens. */
  readonly tokens: PageTokens;
  readonly clock: Clock;
  /** Told that orders wait for their processing. */
  readonly wakeSagas: () => void;
  /** False only when authentication is switched off. */
  readonly accessChecked: boolean;
  readonly limits?: Partial<BulkLimits>;
  /** How long a stream waits for the one before it to end, before it is ABORTED. Default 1000. */
  readonly takeoverWaitMs?: number;
  /** How often a watcher looks at its job. Default 250. */
  readonly pollMs?: number;
}

export type BulkOrderHandlers = Pick<
  HandlersOf<typeof OrderServiceDefinition>,
  "processBulkOrders" | "watchBulkJob"
>;

export function bulkOrderHandlers(options: BulkOrderOptions): BulkOrderHandlers {
  const { database, clock, takeoverWaitMs = 1_000, pollMs = 250 } = options;
  const check = createBulkOrderCheck(options.schema);
  const access = createOrderAccess(options.accessChecked);
  const limits = { ...DEFAULT_BULK_LIMITS, ...options.limits };
  const processing = { ...options, access, check, limits, takeoverWaitMs };
  const watching = { ...options, access, reader: createJobReader(database, clock, pollMs), pollMs };
  return {
    processBulkOrders: (messages, call) => processBulkOrders(messages, call, processing),
    watchBulkJob: (request, call) => watchBulkJob(request, call, watching),
  };
}
