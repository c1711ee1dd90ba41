import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readRetailFolder } from "#harness/workload/retail-csv.ts";
import { planTrace } from "./plan-trace.ts";
import { differences, expectedTotals, totalsLine } from "./replay-totals.ts";
import type { Trace } from "./trace.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "trace-"));
});
afterAll(() => rm(folder, { recursive: true }));

const HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

async function trace(...days: string[][]): Promise<Trace> {
  const at = await mkdtemp(join(folder, "days-"));
  for (const [i, rows] of days.entries()) await writeFile(join(at, `${i}.csv`), [HEADER, ...rows].join("\n"));
  return planTrace(await readRetailFolder(at));
}

const sale = (invoice: string, code: string, quantity: number, price: string, customer: string): string =>
  `${invoice},${code},a thing,${quantity},2010-12-01 08:26:00,${price},${customer},UK`;

test("an invoice is one order of its valid rows, at the prices of the rows", async () => {
  const { orders, rejected, invoices, rows } = await trace([
    sale("1", "A", 2, "2.55", "17850.0"),
    sale("1", "A", 1, "1.00", "17850.0"),
    sale("1", "B", 0, "1.00", "17850.0"),
    sale("2", "A", 5, "0.85", ""),
    sale("3", "A", 5, "0.0", ""),
  ]);
  expect(orders).toEqual([
    {
      invoice: "1",
      customerId: "17850",
      placedTime: new Date("2010-12-01T08:26:00Z"),
      lines: [
        { sku: "A", quantity: 2, unitPriceMinor: 255 },
        { sku: "A", quantity: 1, unitPriceMinor: 100 },
      ],
    },
    expect.objectContaining({ invoice: "2", customerId: undefined }),
  ]);
  expect({ rejected, invoices, rows }).toEqual({
    rejected: { quantity: 1, "price-not-positive": 1 },
    invoices: 3,
    rows: 5,
  });
});

test("a cancellation gives back the customer's earliest purchases of the product while units are left", async () => {
  const { refunds, rejected } = await trace(
    [
      sale("C0", "A", -1, "1.00", "1"),
      sale("1", "A", 3, "1.00", "1"),
      sale("2", "A", 3, "2.00", "1"),
      sale("3", "A", 9, "3.00", "2"),
    ],
    [
      sale("C1", "A", -4, "2.00", "1"),
      sale("C2", "A", -9, "2.00", "1"),
      sale("C3", "A", -1, "2.00", "1"),
      sale("C4", "A", -1, "2.00", ""),
      sale("C5", "B", -1, "2.00", "1"),
      sale("C6", "A", 1, "2.00", "1"),
      sale("4", "A", 1, "2.00", "1"),
    ],
  );
  expect(refunds.map(({ invoice, parts }) => [invoice, parts])).toEqual([
    [
      "C1",
      [
        { order: 0, lineNumber: 1, quantity: 3, amountMinor: 300 },
        { order: 1, lineNumber: 1, quantity: 1, amountMinor: 200 },
      ],
    ],
    ["C2", [{ order: 1, lineNumber: 1, quantity: 2, amountMinor: 400 }]],
  ]);
  expect(rejected).toEqual({
    "cancellation-without-order": 3,
    "cancellation-without-customer": 1,
    "cancellation-quantity": 1,
  });
});

test("every row is an order line, a refund or rejected, and no line is given back more than once", async () => {
  const row = fc.record({
    cancels: fc.boolean(),
    invoice: fc.integer({ min: 1, max: 6 }),
    code: fc.constantFrom("A", "B"),
    quantity: fc.integer({ min: 0, max: 9 }),
    customer: fc.constantFrom("", "1", "2"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 40 }), async (all) => {
      const made = await trace(
        all.map(({ cancels, invoice, code, quantity, customer }) =>
          sale(`${cancels ? "C" : ""}${invoice}`, code, cancels ? -quantity : quantity, "1.10", customer),
        ),
      );
      const { lines, refundsMatched, rows, rejected, refundedMinor, revenueMinor } = expectedTotals(made);
      const rejections = Object.values(rejected).reduce((sum, count) => sum + count, 0);
      expect(lines + refundsMatched + rejections).toBe(rows);
      expect(refundedMinor).toBeLessThanOrEqual(revenueMinor);
      const given = new Map<string, number>();
      for (const { order, lineNumber, quantity } of made.refunds.flatMap(({ parts }) => parts)) {
        const key = `${order}/${lineNumber}`;
        given.set(key, (given.get(key) ?? 0) + quantity);
        expect(given.get(key)).toBeLessThanOrEqual(made.orders[order]?.lines[lineNumber - 1]?.quantity ?? 0);
      }
    }),
    { numRuns: 40 },
  );
});

test("every figure that differs is named, and the last line is exact whatever the size", async () => {
  const totals = expectedTotals(await trace([sale("1", "A", 2, "2.55", "17850.0")]));
  expect(differences(totals, totals)).toEqual([]);
  expect(
    differences({ ...totals, orders: 0, revenueMinor: 2n ** 60n, rejected: { quantity: 1 } }, totals),
  ).toEqual([
    "orders: 0 in the services, 1 in the files",
    "revenueMinor: 1152921504606846976 in the services, 510 in the files",
    "rejected quantity: 1 in the services, 0 in the files",
  ]);
  expect(totalsLine({ ...totals, revenueMinor: 2n ** 60n }, 1.26)).toBe(
    '{"days":1,"rows":1,"invoices":1,"orders":1,"lines":1,"units":2,"revenue_minor":"1152921504606846976","refunds_matched":0,"refunded_minor":"0","rejected":{},"seconds":1.3}',
  );
});

test("an invoice that is longer than an order can be is refused by its number", async () => {
  const rows = Array.from({ length: 1001 }, () => sale("77", "A", 1, "1.00", ""));
  await expect(trace(rows)).rejects.toThrow("invoice 77 has 1001 lines; an order can have 1000");
});
