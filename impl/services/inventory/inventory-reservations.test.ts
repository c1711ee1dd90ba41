import { expect, test } from "vitest";
import { inventoryFixture, item, warehouse } from "./testing/inventory-fixture.ts";

const fixture = await inventoryFixture();
const { product, reserve, stock, commit } = warehouse(fixture.client);

test("smoke", async () => {
  const id = await product(10n);
  const r = await reserve([item(id, 3n)]);
  expect(r.items).toEqual([item(id, 3n)]);
  await commit(r.reservationId);
  expect(await stock(id)).toMatchObject({ received: 10n, available: 7n, reserved: 0n, sold: 3n });
});
