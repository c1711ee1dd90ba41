import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RetailDataError, readRetailFolder } from "./retail-csv.ts";

const header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
const retailFolder = process.env.DATA;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "retail-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("each row is a sale or is rejected with its file, line and reason", async () => {
  const data = await read({
    "2.csv": [header, "7,X,Last day,1,t,1.0,,UK"],
    "1.csv": [
      header,
      '1,A,"  A ""quoted"",  thing\nover two lines ",2,t,2.1,17850.0,UK',
      "C1,A,back,-2,t,2.10,17850.0,UK",
      "2,,no code,1,t,1.0,,UK",
      "2,A,none,0,t,1.0,,UK",
      "2,A,half,0.5,t,1.0,,UK",
      "2,A,,1,t,0.0,,UK",
      "A3,B,debt,1,t,-11062.06,,UK",
      "3,A,half a penny,1,t,0.125,,UK",
      "3,A,too,many,fields,1,t,1.0,,UK",
      "3,B,exact,1,t,0.290,,UK",
    ],
    "notes.txt": ["not read"],
  });
  expect(data.days).toEqual(["1.csv", "2.csv"]);
  expect(data.rows).toBe(11);
  expect(data.sales.map(({ file, line, unitPriceMinor }) => [file, line, unitPriceMinor])).toEqual([
    ["1.csv", 2, 210],
    ["1.csv", 12, 29],
    ["2.csv", 2, 100],
  ]);
  expect(data.sales[0]).toMatchObject({
    description: 'A "quoted", thing over two lines',
    customerId: "17850",
  });
  expect(data.sales[1]?.customerId).toBeUndefined();
  expect(data.rejected.map(({ line, reason, value }) => [line, reason, value])).toEqual([
    [4, "cancellation", "C1"],
    [5, "no-stock-code", ""],
    [6, "quantity", "0"],
    [7, "quantity", "0.5"],
    [8, "price-not-positive", "0.0"],
    [9, "price-not-positive", "-11062.06"],
    [10, "price-not-in-pennies", "0.125"],
    [11, "malformed", "10 fields instead of 8"],
  ]);
  expect(data.rejectedByReason).toMatchObject({ quantity: 2, "price-not-positive": 2, malformed: 1 });
});

test("nothing is dropped, whatever the rows hold, and pennies are exact", async () => {
  const field = fc.string({
    unit: fc.constantFrom("a", "C", "1", " ", ",", '"', "\n", "é", "."),
    maxLength: 6,
  });
  const price = fc.integer({ min: 1, max: 9_999_999 });
  const good = fc.record({ code: fc.constantFrom("A", "85123A", "POST"), price, text: field });
  const rows = fc.array(fc.oneof(fc.array(field, { minLength: 8, maxLength: 8 }), good), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(rows, async (all) => {
      const lines = all.map((row) =>
        Array.isArray(row)
          ? ["x", ...row.slice(1)].map(quote).join(",")
          : ["5", row.code, quote(row.text), 1, "t", pounds(row.price), "", "UK"].join(","),
      );
      const data = await read({ "a.csv": [header, ...lines] });
      expect(data.sales.length + data.rejected.length).toBe(all.length);
      expect(data.rows).toBe(all.length);
      const sold = data.sales.filter((sale) => sale.invoice === "5").map((sale) => sale.unitPriceMinor);
      expect(sold).toEqual(all.flatMap((row) => (Array.isArray(row) ? [] : [row.price])));
      const reasons = Object.values(data.rejectedByReason).reduce((sum, count) => sum + count, 0);
      expect(reasons).toBe(data.rejected.length);
    }),
    { numRuns: 60 },
  );
});

test("a folder that is no retail data is refused by name and rule", async () => {
  await expect(readRetailFolder(join(folder, "missing"))).rejects.toThrow(
    /missing.*must be a folder.*ENOENT/,
  );
  await expect(read({ "a.txt": [] })).rejects.toThrow(/at least one \*\.csv file/);
  await expect(read({ "a.csv": ["InvoiceNo,StockCode,Quantity"] })).rejects.toThrow(
    /a\.csv.*missing: Description/,
  );
  await expect(read({ "a.csv": [] })).rejects.toThrow(/a\.csv.*empty/);
  await expect(read({ "a.csv": [header, '1,A,"no end'] })).rejects.toThrow(RetailDataError);
});

test.skipIf(retailFolder === undefined)("the real days agree with a count by other means", async () => {
  const dir = retailFolder ?? "";
  const data = await readRetailFolder(dir);
  let [rows, sales, minor] = [0, 0, 0];
  for (const day of (await readdir(dir)).filter((name) => name.endsWith(".csv"))) {
    const text = await readFile(join(dir, day), "utf8");
    for (const line of text.trimEnd().split("\n").slice(1)) {
      rows++;
      const match = /^([^,]*),([^,]+),.*,(-?\d+),[^,]*,(\d+)\.(\d+),[^,]*,[^,]*\r?$/.exec(line);
      if (match === null || match[1]?.startsWith("C")) continue;
      const price = Number(match[4]) * 100 + Number((match[5] ?? "").padEnd(2, "0"));
      const quantity = Number(match[3]);
      if (quantity < 1 || price < 1) continue;
      sales++;
      minor += price * quantity;
    }
  }
  expect(data.rows).toBe(rows);
  expect(data.sales).toHaveLength(sales);
  expect(data.sales.reduce((sum, sale) => sum + sale.unitPriceMinor * sale.quantity, 0)).toBe(minor);
});

async function read(files: Record<string, readonly string[]>) {
  const at = await mkdtemp(join(folder, "days-"));
  for (const [name, lines] of Object.entries(files)) await writeFile(join(at, name), lines.join("\n"));
  return readRetailFolder(at);
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

function pounds(minor: number): string {
  return `${Math.floor(minor / 100)}.${`${minor % 100}`.padStart(2, "0")}`;
}
