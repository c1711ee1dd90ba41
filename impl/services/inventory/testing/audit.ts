// Whether the books add up: what is stored against what has happened.
import { sql } from "kysely";
import type { InventoryFixture } from "./inventory-fixture.ts";

/**
 * Products whose amounts are not what has happened to them, by the ledger: the movements, and the reservations by their states.
 */
export async function contradictions({
  database,
}: Pick<InventoryFixture, "database">): Promise<readonly unknown[]> {
  const { rows } = await sql`
    with promised as (
      select product_id, state, sum(quantity) as units
      from inventory.reservations, unnest(product_ids, quantities) as item (product_id, quantity)
      group by product_id, state
    ), told as (
      select product_id,
        (select coalesce(sum(quantity), 0) from inventory.movements
          where product_id = stock.product_id and reason is distinct from 3) as received,
        (select coalesce(sum(quantity), 0) from inventory.movements
          where product_id = stock.product_id and reason = 3) as returned,
        (select coalesce(sum(units), 0) from promised where product_id = stock.product_id and state = 1) as held,
        (select coalesce(sum(units), 0) from promised where product_id = stock.product_id and state = 2) as committed
      from inventory.stock as stock
    )
    select stock.*, told.* from inventory.stock as stock join told using (product_id)
    where (stock.received, stock.reserved, stock.sold) is distinct from (told.received, held, committed - returned)
      or available + reserved + sold <> stock.received`.execute(database.queries);
  return rows;
}
