// What the payment provider really did, asked from itself: it is a process of its own and keeps its own journal.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProviderBook } from "#harness/check/books.ts";

interface Operation {
  readonly id: string;
  readonly kind: "authorize" | "capture" | "void" | "refund";
  readonly status: string;
  readonly amount: string;
  readonly order_reference: string;
}

interface Page {
  readonly operations: readonly Operation[];
  readonly has_more: boolean;
}

/** Of the provider that the shop of a data directory has started. */
export async function readProviderBooks(dataDir: string): Promise<ProviderBook[]> {
  const folder = join(dataDir, "payment-provider");
  const { url } = await readJson(join(folder, "running.json"));
  const { apiKey } = await readJson(join(folder, "config.json"));
  const operations: Operation[] = [];
  for (let more = true; more; ) {
    const page = await readPage(`${url}/v1/operations?after=${operations.at(-1)?.id ?? ""}`, String(apiKey));
    operations.push(...page.operations);
    more = page.has_more;
  }
  return [...Map.groupBy(operations, (operation) => operation.order_reference)].map(bookOf);
}

function bookOf([orderId, operations]: [string, Operation[]]): ProviderBook {
  const done = operations.filter(({ status }) => status === "succeeded");
  const sumOf = (kind: Operation["kind"]): bigint =>
    done.filter((operation) => operation.kind === kind).reduce((sum, { amount }) => sum + BigInt(amount), 0n);
  const captured = sumOf("capture");
  return {
    orderId,
    authorizations: done.filter(({ kind }) => kind === "authorize").length,
    captures: done.filter(({ kind }) => kind === "capture").length,
    captured,
    refunded: sumOf("refund"),
    open: sumOf("authorize") - captured - sumOf("void"),
  };
}

async function readPage(url: string, apiKey: string): Promise<Page> {
  const response = await fetch(url.replace(/after=$/, ""), {
    headers: { authorization: `Bearer ${apiKey}` },
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  // The provider is ours: its answers have the shape that its sources state.
  return (await response.json()) as Page;
}

async function readJson(file: string): Promise<Readonly<Record<string, unknown>>> {
  const value: unknown = JSON.parse(await readFile(file, "utf8"));
  if (typeof value === "object" && value !== null) return { ...value };
  throw new Error(`${file}: must be a JSON object`);
}
