// The records of answered requests, for many requests at once (see services/shared/request-id.ts, whose table this is). A record is
// written with its answer at the end of its transaction; that it was there is found at the beginning, or, when a repeat was answered
// in between, by the insert, after which the transaction runs again.
import { CompiledQuery, type Transaction } from "kysely";
import { type RecordKey, requestIdReused } from "../shared/request-id.ts";

export interface RequestRecord {
  readonly key: RecordKey;
  readonly response: Uint8Array;
}

/** The first answers to requests. */
export interface KnownRequests {
  /** Undefined when it is a new one. ALREADY_EXISTS when it had another content. */
  answerTo(key: RecordKey): Uint8Array | undefined;
  add(record: RequestRecord): void;
}

const FIND = `select scope, request_id, fingerprint, response from inventory.request_records
  where (scope, request_id) in (select scope, request_id from unnest($1::text[], $2::uuid[]) as asked (scope, request_id))
    and created_at >= $3`;

interface Row {
  readonly scope: string;
  readonly request_id: string;
  readonly fingerprint: Buffer;
  readonly response: Buffer;
}

/** `expiry`: records from before it are forgotten. */
export async function findRecords(
  transaction: Transaction<unknown>,
  keys: readonly RecordKey[],
  expiry: Date,
): Promise<KnownRequests> {
  const known = new Map<string, RequestRecord>();
  const add = (record: RequestRecord): void => void known.set(nameOf(record.key), record);
  if (keys.length > 0) {
    const asked = [keys.map(({ scope }) => scope), keys.map(({ requestId }) => requestId), expiry];
    const { rows } = await transaction.executeQuery<Row>(CompiledQuery.raw(FIND, asked));
    for (const { scope, request_id: requestId, fingerprint, response } of rows) {
      add({ key: { scope, requestId, fingerprint }, response });
    }
  }
  return {
    answerTo(key) {
      const first = known.get(nameOf(key));
      if (first !== undefined && !first.key.fingerprint.equals(key.fingerprint)) {
        throw requestIdReused(key.requestId);
      }
      return first?.response;
    },
    add,
  };
}

/** An id can be spelled in two ways. */
function nameOf({ scope, requestId }: RecordKey): string {
  return `${requestId.toLowerCase()} ${scope}`;
}
