// Writes what commands have staged over locked rows: the update of all stocks, the reservations and the records of the requests
// in one statement. Amounts are written as differences, so that the constraints of the table hold them even against a writer that
// has locked nothing.
import { CompiledQuery, type Transaction } from "kysely";
import { StorageError } from "#impl/storage/errors.ts";
import type { Movement } from "./command.ts";
import type { RequestRecord } from "./request-records.ts";
import type { Reservation } from "./reservation.ts";
import type { Staged, StagedStock } from "./staged-state.ts";
import type { Stock } from "./stock.ts";

type Rows = Transaction<unknown>;

const WRITE = `
  with changed as (
    update inventory.stock as stock
    set received = stock.received + change.received, available = stock.available + change.available,
      reserved = stock.reserved + change.reserved, sold = stock.sold + change.sold,
      low_stock_threshold = change.low_stock_threshold, version = stock.version + change.versions, update_time = $1
    from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
      as change (product_id, received, available, reserved, sold, low_stock_threshold, versions)
    where stock.product_id = change.product_id
  ), made as (
    insert into inventory.reservations
      (reservation_id, order_id, product_ids, quantities, state, expire_time, create_time, update_time)
    select reservation_id, order_id, product_ids::uuid[], quantities::bigint[], state, expire_time, $1, $1
    from unnest($9::uuid[], $10::uuid[], $11::text[], $12::text[], $13::smallint[], $14::timestamptz[])
      as made (reservation_id, order_id, product_ids, quantities, state, expire_time)
  ), ended as (
    update inventory.reservations as reservation set state = ending.state, update_time = $1
    from unnest($15::uuid[], $16::smallint[]) as ending (reservation_id, state)
    where reservation.reservation_id = ending.reservation_id
  )
  insert into inventory.request_records as known (scope, request_id, fingerprint, response, created_at)
  select scope, request_id, fingerprint, response, $1
  from unnest($17::text[], $18::uuid[], $19::bytea[], $20::bytea[])
    as answered (scope, request_id, fingerprint, response)
  order by scope, request_id
  on conflict (scope, request_id) do update
  set fingerprint = excluded.fingerprint, response = excluded.response, created_at = excluded.created_at
  where known.created_at < $21`;

const INSERT_STOCK = `
  insert into inventory.stock (product_id, received, available, reserved, sold, low_stock_threshold, version, update_time)
  select product_id, received, available, reserved, sold, low_stock_threshold, version, $1
  from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
    as first (product_id, received, available, reserved, sold, low_stock_threshold, version)
  order by product_id
  on conflict (product_id) do nothing`;

const INSERT_MOVEMENTS = `
  insert into inventory.movements (product_id, version, reason, quantity, note, moved_by, moved_at)
  select product_id, version, reason, quantity, note, moved_by, $1
  from unnest($2::uuid[], $3::bigint[], $4::smallint[], $5::bigint[], $6::text[], $7::text[])
    as moved (product_id, version, reason, quantity, note, moved_by)`;

export interface WriteTimes {
  readonly now: Date;
  /** Records from before it are forgotten. */
  readonly expiry: Date;
}

/** A StorageError SERIALIZATION_FAILURE, which makes the transaction run again, when another one was first with a record or a product. */
export async function writeStaged(
  rows: Rows,
  staged: Staged,
  records: readonly RequestRecord[],
  { now, expiry }: WriteTimes,
): Promise<void> {
  if (staged.stocks.length + staged.ended.length + records.length === 0) return;
  const first = staged.stocks.filter(({ before }) => before === undefined);
  if (first.length > 0) {
    const inserted = await run(rows, INSERT_STOCK, [now, ...differences(first)]);
    if (inserted !== first.length) throw wasSecond("a product was received for the first time");
  }
  const changed = staged.stocks.filter(({ before }) => before !== undefined);
  const recorded = await run(rows, WRITE, [
    now,
    ...differences(changed),
    ...columnsOfMade(staged.made),
    staged.ended.map(({ reservationId }) => reservationId),
    staged.ended.map(({ state }) => state),
    records.map(({ key }) => key.scope),
    records.map(({ key }) => key.requestId),
    records.map(({ key }) => key.fingerprint),
    records.map(({ response }) => response),
    expiry,
  ]);
  if (recorded !== records.length) throw wasSecond("a request was recorded");
  const { movements } = staged;
  if (movements.length > 0) await run(rows, INSERT_MOVEMENTS, [now, ...columnsOfMovements(movements)]);
}

async function run(rows: Rows, statement: string, parameters: readonly unknown[]): Promise<number> {
  const { numAffectedRows = 0n } = await rows.executeQuery(CompiledQuery.raw(statement, [...parameters]));
  return Number(numAffectedRows);
}

/** The difference of a stock that has no row yet is all of it. */
function differences(stocks: readonly StagedStock[]): readonly unknown[] {
  const of = (amount: (stock: Stock) => bigint): bigint[] =>
    stocks.map(({ before, after }) => amount(after) - (before === undefined ? 0n : amount(before)));
  return [
    stocks.map(({ after }) => after.productId),
    of(({ received }) => received),
    of(({ available }) => available),
    of(({ reserved }) => reserved),
    of(({ sold }) => sold),
    stocks.map(({ after }) => after.lowStockThreshold),
    of(({ version }) => version),
  ];
}

/** A list in a list would have to be as long as its neighbours: each goes as text. */
function columnsOfMade(made: readonly Reservation[]): readonly unknown[] {
  return [
    made.map(({ reservationId }) => reservationId),
    made.map(({ orderId }) => orderId),
    made.map(({ items }) => `{${items.map(({ productId }) => productId).join()}}`),
    made.map(({ items }) => `{${items.map(({ quantity }) => quantity).join()}}`),
    made.map(({ state }) => state),
    made.map(({ expireTime }) => expireTime),
  ];
}

function columnsOfMovements(movements: readonly Movement[]): readonly unknown[] {
  return [
    movements.map(({ productId }) => productId),
    movements.map(({ version }) => version),
    movements.map(({ reason }) => reason ?? null),
    movements.map(({ quantity }) => quantity),
    movements.map(({ note }) => note),
    movements.map(({ movedBy }) => movedBy ?? null),
  ];
}

function wasSecond(what: string): StorageError {
  return new StorageError("SERIALIZATION_FAILURE", new Error(`${what} by another transaction meanwhile`));
}
