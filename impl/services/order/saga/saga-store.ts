// The rows of sagas: who works at which, and until when. A lease ends by the database's clock, so that no two processes need agree
// on the time; whoever writes names itself, and writes nothing once the saga is in other hands.
import { CompiledQuery, type Kysely, type QueryResult } from "kysely";
import { findOrder } from "../order-reads.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "../order-row.ts";
import { LeaseLost, Overtaken, type Saga, type SagaFailure, type SagaKind, type SagaTask } from "./saga.ts";

export interface SagaStore {
  /** Up to `limit` sagas that are due and in nobody's hands, the longest due first, now in ours. */
  claim(limit: number): Promise<SagaTask[]>;
  /** Both as they stand. Throws LeaseLost. */
  reload(sagaId: string): Promise<SagaTask>;
  renew(sagaIds: readonly string[]): Promise<void>;
  /** Turns it back, from this step on. Throws Overtaken when it goes back already, or is in other hands. */
  turnBack(saga: Saga, step: string, failure: SagaFailure): Promise<Saga>;
  /** Keeps something for the steps. Throws Overtaken. */
  keep(saga: Saga, data: unknown): Promise<Saga>;
  /** Without a change of the order. Throws Overtaken when a step has begun since. */
  end(saga: Saga): Promise<void>;
  /** Lets go of it, for anybody to take from `delayMs` from now on. */
  postpone(saga: Saga, attempts: number, delayMs: number): Promise<void>;
  /** Lets go of all that we hold. */
  releaseAll(): Promise<void>;
}

export interface SagaStoreOptions {
  readonly queries: Kysely<unknown>;
  /** A UUID that no other process has, nor this one before. */
  readonly holder: string;
  readonly leaseMs: number;
}

interface SagaRow {
  readonly saga_id: string;
  readonly order_id: string;
  readonly kind: SagaKind;
  readonly step: string;
  readonly undoing: boolean;
  readonly saga_failure: SagaFailure | null;
  readonly data: unknown;
  readonly attempts: number;
}

const COLUMNS =
  "s.saga_id, s.order_id, s.kind, s.step, s.undoing, s.failure as saga_failure, s.data, s.attempts";
const LEASE = "clock_timestamp() + $2::double precision * interval '1 ms'";

// A saga that changes hands before its lease was given up counts an attempt: one that kills its process must not do so for ever.
const CLAIM = `
with due as (
  select saga_id from orders.sagas where due_time <= clock_timestamp() order by due_time limit $3 for update skip locked
), claimed as (
  update orders.sagas as sagas
  set holder = $1, due_time = ${LEASE}, attempts = attempts + (holder is not null)::integer
  from due where sagas.saga_id = due.saga_id
  returning sagas.*
)
select ${COLUMNS}, ${ORDER_COLUMNS} from claimed as s join orders.orders as o on o.order_id = s.order_id`;

const RELOAD = `select ${COLUMNS} from orders.sagas as s where s.saga_id = $1 and s.holder = $2`;
const RENEW = `update orders.sagas set due_time = ${LEASE} where holder = $1 and saga_id = any($3::uuid[])`;
const TURN_BACK = `
update orders.sagas set undoing = true, step = $3, failure = $4::jsonb, attempts = 0
where saga_id = $1 and holder = $2 and not undoing`;
const KEEP =
  "update orders.sagas set data = $3::jsonb where saga_id = $1 and holder = $2 and step = $4 and not undoing";
const END = "delete from orders.sagas where saga_id = $1 and holder = $2 and step = $3 and undoing = $4";
// One that was turned back meanwhile has a new beginning, and waits for nothing.
const POSTPONE = `
update orders.sagas set holder = null, attempts = case when undoing = $5 then $3::integer else 0 end,
  due_time = clock_timestamp() + case when undoing = $5 then $4::double precision else 0 end * interval '1 ms'
where saga_id = $1 and holder = $2`;
const RELEASE_ALL = "update orders.sagas set holder = null, due_time = clock_timestamp() where holder = $1";

export function createSagaStore({ queries, holder, leaseMs }: SagaStoreOptions): SagaStore {
  const run = <R>(text: string, parameters: unknown[]): Promise<QueryResult<R>> =>
    queries.executeQuery<R>(CompiledQuery.raw(text, parameters));
  const change = async (saga: Saga, text: string, parameters: unknown[]): Promise<void> => {
    const { numAffectedRows } = await run(text, [saga.sagaId, holder, ...parameters]);
    if (numAffectedRows !== 1n) throw new Overtaken(saga.orderId);
  };
  return {
    async claim(limit) {
      const { rows } = await run<SagaRow & OrderRow>(CLAIM, [holder, leaseMs, limit]);
      return rows.map((row) => ({ saga: sagaOf(row), order: orderOf(row) }));
    },
    async reload(sagaId) {
      const { rows } = await run<SagaRow>(RELOAD, [sagaId, holder]);
      const [row] = rows;
      const order = row === undefined ? undefined : await findOrder(queries, row.order_id);
      if (row === undefined || order === undefined) throw new LeaseLost(sagaId);
      return { saga: sagaOf(row), order };
    },
    async renew(sagaIds) {
      await run(RENEW, [holder, leaseMs, sagaIds]);
    },
    async turnBack(saga, step, failure) {
      await change(saga, TURN_BACK, [step, JSON.stringify(failure)]);
      return { ...saga, undoing: true, step, failure, attempts: 0 };
    },
    async keep(saga, data) {
      await change(saga, KEEP, [JSON.stringify(data), saga.step]);
      return { ...saga, data };
    },
    end: (saga) => change(saga, END, [saga.step, saga.undoing]),
    async postpone(saga, attempts, delayMs) {
      await run(POSTPONE, [saga.sagaId, holder, attempts, delayMs, saga.undoing]);
    },
    async releaseAll() {
      await run(RELEASE_ALL, [holder]);
    },
  };
}

function sagaOf(row: SagaRow): Saga {
  return {
    sagaId: row.saga_id,
    orderId: row.order_id,
    kind: row.kind,
    step: row.step,
    undoing: row.undoing,
    failure: row.saga_failure ?? undefined,
    data: row.data,
    attempts: row.attempts,
  };
}
