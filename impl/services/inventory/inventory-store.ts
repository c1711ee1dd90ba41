// Inventory in PostgreSQL: everything that reads or writes its tables goes through here. Writes are commands, which share
// transactions when there are many.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { createRequestIds, type IdentifiedRequest, recordKeyOf } from "../shared/request-id.ts";
import type { Command } from "./command.ts";
import { expireDue } from "./expire-due.ts";
import { groupCommit, type Submit } from "./group-commit.ts";
import { createInventoryReads, type InventoryReads } from "./inventory-reads.ts";
import { inventorySchema } from "./inventory-tables.ts";
import { type Job, writeGroup } from "./write-group.ts";

export interface InventoryStoreOptions {
  /** That of the schema "inventory". */
  readonly events: EventLog;
  readonly clock: Clock;
  /** How long request ids are remembered. Default 24 h, which is also the least. */
  readonly requestIdRetentionMs?: number;
  readonly writeLimits?: Partial<WriteLimits>;
}

export interface WriteLimits {
  /** Transactions of commands at the same time, each on a connection. */
  readonly lanes: number;
  /** Commands in one transaction. */
  readonly maxCommands: number;
  /** Products and reservations that the commands of one transaction name together, if there is more than one. */
  readonly maxRows: number;
}

export const DEFAULT_WRITE_LIMITS: WriteLimits = { lanes: 2, maxCommands: 64, maxRows: 1_000 };

const DAY_MS = 86_400_000;

export interface InventoryStore extends InventoryReads {
  /** What the command answers, once that is committed. It may be decided more than once, of which one is committed. */
  write<R>(command: Command<R>, signal: AbortSignal): Promise<R>;
  /** The same, unless the request is a repeat, which gets the first response: ALREADY_EXISTS when its id had another content. */
  writeOnce<A, R>(request: IdentifiedRequest<R>, command: Command<A>, respond: (answer: A) => R): Promise<R>;
  /** Ends up to `limit` reservations that are past their time; how many. */
  expireDue(limit: number, signal: AbortSignal): Promise<number>;
  /** Forgets the request ids that are older than the retention; how many. */
  purgeRequestIds(signal?: AbortSignal): Promise<number>;
}

export function createInventoryStore(
  database: Database<unknown>,
  { events, clock, requestIdRetentionMs = DAY_MS, writeLimits = {} }: InventoryStoreOptions,
): InventoryStore {
  const { schema } = inventorySchema;
  const { purge } = createRequestIds(database, { schema, clock, retentionMs: requestIdRetentionMs });
  const context = { database, events, clock, requestIdRetentionMs };
  const { lanes, maxCommands, maxRows } = { ...DEFAULT_WRITE_LIMITS, ...writeLimits };
  const submit = groupCommit<Job>({
    run: (jobs, signal) => writeGroup(context, jobs, signal),
    lanes,
    maxJobs: maxCommands,
    maxWeight: maxRows,
    weightOf: ({ products, reservations }) => products.length + reservations.length,
  });
  return {
    ...createInventoryReads(database),
    write: (command, signal) => answerOf(submit, signal, (answer) => plainJob(command, answer)),
    writeOnce: (request, command, respond) =>
      answerOf(submit, request.call.signal, (answer) => identifiedJob(request, command, respond, answer)),
    expireDue: (limit, signal) => expireDue(context, limit, signal),
    purgeRequestIds: purge,
  };
}

function plainJob<R>(command: Command<R>, answer: (value: R) => void): Job {
  const { products, reservations } = command;
  return {
    products,
    reservations,
    key: undefined,
    decide(state) {
      const decision = command.decide(state);
      if ("answer" in decision) answer(decision.answer);
      return decision;
    },
    repeat() {},
  };
}

function identifiedJob<A, R>(
  request: IdentifiedRequest<R>,
  command: Command<A>,
  respond: (answer: A) => R,
  answer: (value: R) => void,
): Job {
  const { products, reservations } = command;
  const { response } = request;
  const key = recordKeyOf(request);
  return {
    products,
    reservations,
    key,
    decide(state) {
      const decision = command.decide(state);
      if ("refusal" in decision) return decision;
      const value = respond(decision.answer);
      answer(value);
      const record = { key, response: Buffer.from(response.encode(value).finish()) };
      return { effects: decision.effects, record };
    },
    repeat: (first) => answer(response.decode(first)),
  };
}

/** Of several answers, the last is the one that was committed. */
async function answerOf<R>(
  submit: Submit<Job>,
  signal: AbortSignal,
  jobOf: (answer: (value: R) => void) => Job,
): Promise<R> {
  const answered: { value?: R } = {};
  await submit(
    jobOf((value) => {
      answered.value = value;
    }),
    signal,
  );
  if (!("value" in answered)) throw new Error("a command was committed without an answer");
  return answered.value;
}
