// Reads the days of retail data in a folder, one CSV file a day, in the order of their names. Streaming: a row at a time. Every row
// comes out as a sale or as a rejection, so valid + rejected = rows.

import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type InfoRecord, parse } from "csv-parse";
import {
  columns,
  isRejected,
  type RawRow,
  type RejectedRow,
  type RejectionReason,
  readRow,
  type SaleLine,
} from "./retail-row.ts";

/** The folder is no retail data; `path` and the rule are in the message. */
export class RetailDataError extends Error {
  readonly path: string;

  constructor(path: string, rule: string, options?: ErrorOptions) {
    super(`DATA: ${JSON.stringify(path)} ${rule}`, options);
    this.name = "RetailDataError";
    this.path = path;
  }
}

export interface RetailData {
  /** Names of the files read, in order. */
  readonly days: readonly string[];
  readonly rows: number;
  /** In the order of the data. */
  readonly sales: readonly SaleLine[];
  /** In the order of the data. */
  readonly rejected: readonly RejectedRow[];
  readonly rejectedByReason: Readonly<Partial<Record<RejectionReason, number>>>;
}

/** Rejects with RetailDataError when there is no such folder, no CSV in it, a missing column, or a file that is not CSV. */
export async function readRetailFolder(folder: string): Promise<RetailData> {
  const days = await csvFiles(folder);
  const sales: SaleLine[] = [];
  const rejected: RejectedRow[] = [];
  const rejectedByReason: Partial<Record<RejectionReason, number>> = {};
  for (const day of days) {
    for await (const row of readRetailDay(join(folder, day), day)) {
      if (!isRejected(row)) {
        sales.push(row);
        continue;
      }
      rejected.push(row);
      rejectedByReason[row.reason] = (rejectedByReason[row.reason] ?? 0) + 1;
    }
  }
  return { days, rows: sales.length + rejected.length, sales, rejected, rejectedByReason };
}

/** `name`: what the file is called in the rows. */
export async function* readRetailDay(
  path: string,
  name: string,
): AsyncGenerator<SaleLine | RejectedRow, void, undefined> {
  const parser = parse({ bom: true, info: true, relax_column_count: true, skip_empty_lines: true });
  const input = createReadStream(path);
  input.once("error", (error) => parser.destroy(error));
  try {
    let at: Map<string, number> | undefined;
    let linesBefore = 0;
    for await (const { record, info } of recordsOf(input.pipe(parser))) {
      // The parser counts a record's last line; one whose text has line breaks began earlier.
      const line = info.lines - record.join("").split("\n").length + 1;
      if (at === undefined) at = headerOf(record, path);
      else yield rowOf(record, at, name, Math.max(line, linesBefore + 1));
      linesBefore = info.lines;
    }
    if (at === undefined) throw new RetailDataError(path, "is empty: it must begin with a header row");
  } catch (error) {
    if (error instanceof RetailDataError) throw error;
    throw new RetailDataError(path, `must be a readable CSV file: ${messageOf(error)}`, { cause: error });
  } finally {
    input.destroy();
  }
}

interface ParsedRecord {
  readonly record: readonly string[];
  readonly info: InfoRecord;
}

/** The parser's element type is unknown to the compiler; with `info: true` it is this. */
function recordsOf(parser: AsyncIterable<unknown>): AsyncIterable<ParsedRecord> {
  return parser as AsyncIterable<ParsedRecord>;
}

function headerOf(record: readonly string[], path: string): Map<string, number> {
  const at = new Map(record.map((name, index) => [name.trim(), index]));
  const missing = columns.filter((column) => !at.has(column));
  if (missing.length > 0) {
    throw new RetailDataError(
      path,
      `must have the columns ${columns.join(", ")}; missing: ${missing.join(", ")}`,
    );
  }
  return at;
}

function rowOf(
  record: readonly string[],
  at: ReadonlyMap<string, number>,
  file: string,
  line: number,
): SaleLine | RejectedRow {
  if (record.length !== at.size) {
    return { file, line, reason: "malformed", value: `${record.length} fields instead of ${at.size}` };
  }
  const field = (column: keyof RawRow) => record[at.get(column) ?? -1] ?? "";
  const raw: RawRow = {
    InvoiceNo: field("InvoiceNo"),
    StockCode: field("StockCode"),
    Description: field("Description"),
    Quantity: field("Quantity"),
    InvoiceDate: field("InvoiceDate"),
    UnitPrice: field("UnitPrice"),
    CustomerID: field("CustomerID"),
    Country: field("Country"),
  };
  return readRow(raw, file, line);
}

async function csvFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new RetailDataError(folder, `must be a folder that can be read: ${messageOf(error)}`, {
      cause: error,
    });
  });
  const days = names.filter((name) => name.toLowerCase().endsWith(".csv")).sort();
  if (days.length === 0)
    throw new RetailDataError(folder, "must hold at least one *.csv file, and holds none");
  return days;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
