// A saga is stored in the transaction that makes it necessary. Those of new orders are stored with them: see order-insert.ts.
import { CompiledQuery, type Transaction } from "kysely";
import type { Saga, SagaKind } from "./saga.ts";

export interface NewSaga {
  readonly sagaId: string;
  readonly orderId: string;
  readonly kind: Exclude<SagaKind, "order">;
  /** Whatever JSON holds. */
  readonly data?: unknown;
}

export interface SagaLease {
  readonly holder: string;
  readonly leaseMs: number;
}

const INSERT = `
insert into orders.sagas (saga_id, order_id, kind, data, holder, due_time)
values ($1, $2, $3, $4::jsonb, $5, clock_timestamp() + $6::double precision * interval '1 ms')`;

/** Without a lease it is anybody's: wake the workers after the commit. */
export async function insertSaga<T>(
  transaction: Transaction<T>,
  { sagaId, orderId, kind, data }: NewSaga,
  lease: SagaLease | undefined,
): Promise<Saga> {
  const json = data === undefined ? null : JSON.stringify(data);
  const parameters = [sagaId, orderId, kind, json, lease?.holder ?? null, lease?.leaseMs ?? 0];
  await transaction.executeQuery(CompiledQuery.raw(INSERT, parameters));
  return { sagaId, orderId, kind, step: "", undoing: false, failure: undefined, data, attempts: 0 };
}
