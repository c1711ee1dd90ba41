// Request ids (AIP-155): a repeat of a request has no second effect and gets the first answer. The record of a request is
// written in the transaction of its effect, so there is never one without the other; of repeats at the same time one runs
// and the others wait for it. Only successes are recorded: after a failure the same id may be sent again.
//
// Each service keeps its records in its own schema, in this table, which its migrations make:
//   create table request_records (
//     scope text not null, request_id uuid not null, fingerprint bytea not null, response bytea,
//     created_at timestamptz not null, primary key (scope, request_id)
//   );
//   create index request_records_created_at on request_records (created_at);
import { hash } from "node:crypto";
import { type RawBuilder, sql, type Transaction } from "kysely";
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import { RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import type { Database } from "#impl/storage/database.ts";
import { inTransaction } from "#impl/storage/transaction.ts";

const dayMs = 86_400_000;
const purgedAtOnce = 1_000;

export type RequestIdOptions = {
  readonly schema: string;
  readonly clock: Clock;
  /** How long an id is remembered. Default and least 24 h. */
  readonly retentionMs?: number;
};

export type IdentifiedRequest<R> = {
  readonly call: Call;
  /** A UUID. Empty means that every request is new. */
  readonly requestId: string;
  /** The request without its id, serialized: a repeat must have the same content. Only a digest of it is kept. */
  readonly content: Uint8Array;
  readonly response: ResponseCodec<R>;
};

type ResponseCodec<R> = {
  readonly encode: (response: R) => { finish(): Uint8Array };
  readonly decode: (bytes: Uint8Array) => R;
};

export type RequestIds<T> = {
  /**
   * Runs `work` in a transaction, or not at all when the same caller has sent the request to the same method before. Throws
   * ALREADY_EXISTS with reason REQUEST_ID_REUSED when it then had another content. `work` may run more than once, of which
   * one is committed.
   */
  readonly once: <R>(
    request: IdentifiedRequest<R>,
    work: (transaction: Transaction<T>) => Promise<R>,
  ) => Promise<R>;
  /** Deletes the records that are older than the retention, in small transactions; how many. To be run now and then. */
  readonly purge: (signal?: AbortSignal) => Promise<number>;
};

/** Under which a request is recorded, and how a repeat is told from another request. */
export type RecordKey = {
  readonly scope: string;
  readonly requestId: string;
  readonly fingerprint: Buffer;
};

export function recordKeyOf({
  call,
  requestId,
  content,
}: Pick<IdentifiedRequest<unknown>, "call" | "requestId" | "content">): RecordKey {
  const scope = `${call.method.path} ${call.principal?.userId ?? "anonymous"}`;
  return { scope, requestId, fingerprint: hash("sha256", content, "buffer") };
}

export function createRequestIds<T>(database: Database<T>, options: RequestIdOptions): RequestIds<T> {
  const { schema, clock, retentionMs = dayMs } = options;
  if (!(retentionMs >= dayMs)) {
    throw new RangeError(`request id retentionMs ${retentionMs}: must be at least ${dayMs}`);
  }
  const table = sql.table(`${schema}.request_records`);
  const expiry = (): Date => new Date(clock.now() - retentionMs);
  return {
    once(request, work) {
      const { requestId, response } = request;
      const { signal } = request.call;
      if (requestId === "") return inTransaction(database, work, { signal });
      const key = recordKeyOf(request);
      return inTransaction(
        database,
        async (transaction) => {
          const known = await claim(transaction, table, key, new Date(clock.now()), expiry());
          if (known !== undefined) return response.decode(known);
          const answer = await work(transaction);
          await sql`update ${table} set response = ${Buffer.from(response.encode(answer).finish())}
            where scope = ${key.scope} and request_id = ${requestId}`.execute(transaction);
          return answer;
        },
        { signal },
      );
    },
    async purge(signal) {
      for (let purged = 0; ; ) {
        const { numAffectedRows = 0n } = await sql`delete from ${table} where ctid = any(array(
          select ctid from ${table} where created_at < ${expiry()} order by created_at limit ${purgedAtOnce}
        ))`.execute(database.queries, signal === undefined ? {} : { signal });
        purged += Number(numAffectedRows);
        if (numAffectedRows < purgedAtOnce) return purged;
      }
    },
  };
}

/**
 * The first answer to this request, or undefined when it is ours to run. Waits for one with the same id that is running.
 */
async function claim<T>(
  transaction: Transaction<T>,
  table: RawBuilder<unknown>,
  { scope, requestId, fingerprint }: RecordKey,
  now: Date,
  expiry: Date,
): Promise<Uint8Array | undefined> {
  for (;;) {
    const claimed = await sql`
      insert into ${table} as known (scope, request_id, fingerprint, created_at)
      values (${scope}, ${requestId}, ${fingerprint}, ${now})
      on conflict (scope, request_id) do update
      set fingerprint = excluded.fingerprint, response = null, created_at = excluded.created_at
      where known.created_at < ${expiry}`.execute(transaction);
    if (claimed.numAffectedRows === 1n) return undefined;
    const { rows } = await sql<{ fingerprint: Buffer; response: Buffer }>`
      select fingerprint, response from ${table}
      where scope = ${scope} and request_id = ${requestId}`.execute(transaction);
    const [first] = rows;
    // It may have been purged between the two statements.
    if (first === undefined) continue;
    if (!fingerprint.equals(first.fingerprint)) throw requestIdReused(requestId);
    return first.response;
  }
}

export function requestIdReused(requestId: string): RpcError {
  return new RpcError({
    code: Code.ALREADY_EXISTS,
    reason: "REQUEST_ID_REUSED",
    message: `request_id ${requestId} was sent before with another content`,
    values: { request_id: requestId },
    details: [
      {
        type: "BadRequest",
        violations: [
          {
            field: "request_id",
            description: "was sent before with another content",
            reason: "request_id.reused",
          },
        ],
      },
    ],
  });
}
