import { expect, test } from "vitest";
import { OrderPart } from "#proto/ecommerce/v1/gateway.ts";
import { newId } from "./runtime/ids.ts";
import { Code } from "./runtime/status.ts";
import { startShopSystem } from "./testing/shop-system.ts";

// Users are served by another process, which is not there.
const shop = await startShopSystem({
  SERVICES: "auth,product,inventory,payment,notification,order,analytics,gateway",
  BACKENDS: "user=127.0.0.1:9",
});

test("a part whose service is down is missing, and the rest is there in time", async () => {
  const lamp = await shop.product(1n);
  const userId = newId();
  const customer = await shop.as(userId);
  const { order } = await customer.gateway.checkout(shop.cardCheckout(lamp, { userId }));
  const details = await customer.gateway.getOrderWithDetails({ orderId: order?.orderId ?? "" });
  expect(details.missing.map(({ part }) => part)).toEqual([OrderPart.ORDER_PART_USER]);
  expect([Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED]).toContain(details.missing[0]?.error?.code);
  // Where the service would be is nobody's business.
  expect(details.missing[0]?.error?.message).not.toContain("127.0.0.1");
  expect(details.products).toHaveLength(1);
  expect(details.payment).toBeDefined();
});
