import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { failure, violations } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { type NewOrder, type Order, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import { ListOrdersRequest } from "#proto/ecommerce/v1/order_service.ts";
import { type OrderConditions, pageQuery } from "./order-pages.ts";
import { draft, place, startOrders } from "./testing/order-fixture.ts";
import { as } from "./testing/order-process.ts";

const orders = await startOrders();
const { shop, client, database } = orders;

type Asked = Parameters<typeof ListOrdersRequest.fromPartial>[0];

const customer = newId();
const lamp = await shop.product(100n, 100n);
const chair = await shop.product(3n, 100n);
const stored = new Map<string, Order>();

beforeAll(async () => {
  // Placed at the same time two by two, so that the order between them is that of their ids.
  await store("a1", [lamp], 1, { userId: customer });
  await store("a2", [lamp, lamp], 1, { userId: customer });
  await store("b1", [chair], 2, { userId: customer });
  await store("b2", [chair, lamp], 2, { reference: "INV-7" });
  await store("c1", [chair, lamp], 3, { reference: "INV-7", userId: customer });
  // There are no more chairs.
  await store("c2", [chair, chair, chair, chair], 3, {});
});

test.each<[string, Asked, string[]]>([
  ["without a condition, the latest placed first", {}, ["c2", "c1", "b2", "b1", "a2", "a1"]],
  ["of a user", { userId: customer }, ["c1", "b1", "a2", "a1"]],
  ["with a reference", { reference: "INV-7" }, ["c1", "b2"]],
  ["of a user with a reference", { reference: "INV-7", userId: customer }, ["c1"]],
  ["in a state", { statuses: [OrderStatus.ORDER_STATUS_OUT_OF_STOCK] }, ["c2"]],
  [
    "in one of two states",
    { statuses: [OrderStatus.ORDER_STATUS_OUT_OF_STOCK, OrderStatus.ORDER_STATUS_PROCESSING] },
    ["c2", "c1", "b2", "b1", "a2", "a1"],
  ],
  ["of a user in a state", { userId: customer, statuses: [OrderStatus.ORDER_STATUS_FAILED] }, []],
  ["with a product, each once", { productId: "LAMP" }, ["c1", "b2", "a2", "a1"]],
  [
    "with a product, in a state",
    { productId: "CHAIR", statuses: [OrderStatus.ORDER_STATUS_PROCESSING] },
    ["c1", "b2", "b1"],
  ],
  [
    "with a product, of a user, since a time",
    { productId: "CHAIR", userId: customer, placedAfter: time(3) },
    ["c1"],
  ],
  ["placed from a time on and before another", { placedAfter: time(2), placedBefore: time(3) }, ["b2", "b1"]],
])("orders %s, whatever the size of the page", async (_, asked, names) => {
  const request = { ...asked, ...productOf(asked) };
  const expected = inOrder(names);
  for (const pageSize of [1, 2, 3, 0]) {
    const listed: string[] = [];
    let pageToken = "";
    do {
      const page = await list({ ...request, pageSize, pageToken });
      if (pageSize > 0) expect(page.orders.length).toBeLessThanOrEqual(pageSize);
      listed.push(...page.orders.map(nameOf));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(listed).toEqual(expected);
  }
});

test("an order in a list is the order", async () => {
  const { orders: all } = await list({ reference: "INV-7", userId: customer });
  expect(all).toEqual([stored.get("c1")]);
});

test("a page token is good for its own conditions alone", async () => {
  const { nextPageToken: pageToken } = await list({ userId: customer, pageSize: 1 });
  const refused = await failure(list({ userId: newId(), pageToken }));
  expect(violations(refused)).toEqual(["page_token: token.invalid"]);
  expect((await list({ userId: customer, pageSize: 2, pageToken })).orders).toHaveLength(2);
});

test("a customer lists its own orders and nobody else's", async () => {
  const own = await client.listOrders(ListOrdersRequest.fromPartial({ userId: customer }), as(customer));
  expect(own.orders).toHaveLength(4);
  const all = client.listOrders(ListOrdersRequest.fromPartial({}), as(customer));
  expect((await failure(all)).reason).toBe("PERMISSION_MISSING");
});

describe("among many orders", () => {
  beforeAll(async () => {
    await sql`
      insert into orders.orders (order_id, user_id, reference, currency, status, charges, lines_minor, tax_minor, shipping_minor,
        discount_minor, total_minor, placed_time, create_time, update_time)
      select gen_random_uuid(), md5((n % 400)::text)::uuid, 'R-' || n % 900, 'GBP', case when n % 1000 = 0 then 18 else 6 end,
        '[]', 0, 0, 0, 0, 0, timestamptz '2026-01-01' + n * interval '1 minute', now(), now()
      from generate_series(1, 20000) as n`.execute(database.queries);
    await sql`
      insert into orders.order_lines (order_id, line_number, product_id, placed_time, sku, name, quantity, unit_price_minor,
        price_overridden, paid_minor)
      select order_id, 1, md5((row_number() over () % 300)::text)::uuid, placed_time, 's', 'n', 1, 0, false, 0
      from orders.orders where lines_minor = 0`.execute(database.queries);
    await sql`vacuum analyze orders.orders, orders.order_lines`.execute(database.queries);
  });

  test.each<[string, Partial<OrderConditions>]>([
    ["all", {}],
    ["those of a user", { userId: "c4ca4238-a0b9-2382-0dcc-509a6f75849b" }],
    ["those with a reference", { reference: "R-77" }],
    ["those in a rare state", { statuses: [OrderStatus.ORDER_STATUS_FAILED] }],
    ["those with a product", { productId: "c4ca4238-a0b9-2382-0dcc-509a6f75849b" }],
  ])("a page of %s is read from an index at its place", async (_, conditions) => {
    const after = { placedTime: new Date("2026-01-10"), orderId: newId(), bulkPosition: 0n };
    const { text, parameters } = pageQuery({ conditions: { ...NONE, ...conditions }, after, limit: 50 });
    expect(await rowsRead(text, parameters)).toBeLessThanOrEqual(400);
  });

  /** Rows of orders and lines that the query looked at, the lines of the page's own orders included. */
  async function rowsRead(text: string, parameters: readonly unknown[]): Promise<number> {
    const bound = text.replaceAll(/\$(\d+)/g, (_, n: string) => literal(parameters[Number(n) - 1]));
    const { rows } = await sql<{ "QUERY PLAN": [{ Plan: Plan }] }>`
      explain (analyze, format json) ${sql.raw(bound)}`.execute(database.queries);
    return rows[0] === undefined ? Number.NaN : scanned(rows[0]["QUERY PLAN"][0].Plan);
  }
});

interface Plan {
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly Plan[];
}

function scanned(plan: Plan): number {
  const own =
    plan["Relation Name"] === undefined ? 0 : plan["Actual Rows"] + (plan["Rows Removed by Filter"] ?? 0);
  return (plan.Plans ?? []).reduce((sum, part) => sum + scanned(part), own * plan["Actual Loops"]);
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `'{${value.join()}}'`;
  return value instanceof Date
    ? `'${value.toISOString()}'`
    : typeof value === "number"
      ? String(value)
      : `'${value}'`;
}

const NONE: OrderConditions = {
  userId: "",
  statuses: [],
  placedAfter: undefined,
  placedBefore: undefined,
  reference: "",
  bulkJobId: "",
  productId: "",
};

function time(day: number): Date {
  return new Date(Date.UTC(2025, 0, day));
}

async function store(
  name: string,
  productIds: readonly string[],
  day: number,
  changes: Parameters<typeof NewOrder.fromPartial>[0],
): Promise<void> {
  const wishes = productIds.map((productId) => ({ productId }));
  stored.set(name, await place(orders, await draft(shop, wishes, { placedTime: time(day), ...changes })));
}

function productOf({ productId }: Asked): Asked {
  return productId === undefined ? {} : { productId: productId === "LAMP" ? lamp : chair };
}

/** Of orders that were placed at the same time the later id comes first. */
function inOrder(names: readonly string[]): string[] {
  const key = (name: string): string => `${name[0]} ${stored.get(name)?.orderId}`;
  return names.toSorted((one, other) => (key(one) < key(other) ? 1 : -1));
}

function nameOf({ orderId }: Order): string {
  return [...stored].find(([, order]) => order.orderId === orderId)?.[0] ?? orderId;
}

async function list(request: Asked) {
  return await client.listOrders(ListOrdersRequest.fromPartial(request));
}
