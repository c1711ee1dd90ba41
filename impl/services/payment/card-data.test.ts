// Plants card data in every way that a call can carry it, and searches everything that is left of the calls: logs, spans, errors, all that the
// database holds, and what the provider keeps in its files.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { InMemorySpanExporter } from "@opentelemetry/sdk-trace-base";
import { sql } from "kysely";
import { afterAll, expect, test } from "vitest";
import type { CallError } from "#impl/client/call-error.ts";
import { failure } from "#impl/client/testing/answers.ts";
import { accessLog } from "#impl/middleware/access-log.ts";
import { traceCalls } from "#impl/middleware/trace.ts";
import { createLogging } from "#impl/observability/logging.ts";
import { memoryOutput } from "#impl/observability/testing/memory-output.ts";
import { createTracing } from "#impl/observability/tracing.ts";
import { cardSuffering } from "#impl/payment-provider/test-cards.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { AuthorizePaymentRequest, type CardDetails } from "#proto/ecommerce/v1/payment.ts";
import { asking, euros } from "./testing/asking.ts";
import { startPayments } from "./testing/payment-fixture.ts";

const output = memoryOutput();
const logging = createLogging({ level: "trace", clock: systemClock, output });
const exporter = new InMemorySpanExporter();
const tracing = createTracing({
  sampleRatio: 1,
  random: () => 0,
  clock: systemClock,
  serviceName: "test",
  exporter,
});
const fixture = await startPayments({ links: [traceCalls(tracing), accessLog(logging)] });
const { client, database, process, server, logged, reconcile } = fixture;
const { capture, refund, get } = asking(fixture);
afterAll(() => tracing.shutdown());

const CVC = "9371";
const HOLDER = "Planted Holder";
const NUMBERS = {
  faultless: "4242424242424242",
  declined: "4000000000009995",
  lost: cardSuffering("authorize", "answer_lost"),
  failed: "4000000000000119",
  noCard: "4242424242424243",
  letters: "42424242planted42",
};
const planted = (number: string, changes: Partial<CardDetails> = {}): CardDetails => ({
  cardNumber: number,
  expiryMonth: 12,
  expiryYear: 2040,
  cvc: CVC,
  holderName: HOLDER,
  ...changes,
});
const paying = (number: string, changes: Partial<CardDetails> = {}) =>
  AuthorizePaymentRequest.fromPartial({
    orderId: newId(),
    amount: euros(1_000n),
    source: { source: { $case: "card", value: planted(number, changes) } },
    requestId: newId(),
  });

/** Every occurrence, also in bytes that are shown in hexadecimal. A code of four digits is one only where it stands alone. */
function foundIn(text: string): string[] {
  const hex = (value: string) => Buffer.from(value).toString("hex");
  const whole = [...Object.values(NUMBERS), HOLDER, "planted", `2204${hex(CVC)}`];
  const found = [...whole, ...whole.map(hex)].filter((value) => text.includes(value));
  const alone = new RegExp(`(?<![0-9a-zA-Z-])${CVC}(?![0-9a-zA-Z-])`);
  return alone.test(text) ? [...found, CVC] : found;
}

async function databaseText(): Promise<string> {
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', table_schema, table_name) as name from information_schema.tables
    where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`.execute(
    database.queries,
  );
  const texts = tables.map(async ({ name }) => {
    const { rows } = await sql<{ row: string }>`select t::text as row from ${sql.raw(name)} as t`.execute(
      database.queries,
    );
    return `${name}\n${rows.map(({ row }) => row).join("\n")}`;
  });
  return (await Promise.all(texts)).join("\n");
}

async function providerText(): Promise<string> {
  const files = await readdir(process.dataDir);
  return (await Promise.all(files.map((file) => readFile(join(process.dataDir, file), "utf8")))).join("\n");
}

test("the search finds what it searches for", async () => {
  expect(foundIn(inspect(planted(NUMBERS.faultless)))).toEqual([NUMBERS.faultless, HOLDER, CVC]);
  expect(foundIn(Buffer.from(NUMBERS.declined).toString("hex"))).toHaveLength(1);
  expect(
    foundIn(Buffer.from(AuthorizePaymentRequest.encode(paying(NUMBERS.lost)).finish()).toString("hex")),
  ).toHaveLength(3);
});

test("card data is in no log line, no span, no error, no table and no file", async () => {
  const errors: CallError[] = [];
  const fails = async (code: Code, call: Promise<unknown>) => {
    const error = await failure(call);
    expect(error.code, error.message).toBe(code);
    errors.push(error);
  };
  const { faultless, declined, lost, failed, noCard, letters } = NUMBERS;
  const { FAILED_PRECONDITION, INVALID_ARGUMENT, ALREADY_EXISTS, UNAVAILABLE, INTERNAL } = Code;

  const method = await client.createPaymentMethod({ card: planted(faultless), requestId: "" });
  const request = paying(faultless);
  const { payment } = await client.authorizePayment(request);
  const paymentId = payment?.paymentId ?? "";
  await client.authorizePayment(request);
  await capture(paymentId);
  await refund(paymentId, { cents: 100n });
  await fails(FAILED_PRECONDITION, client.authorizePayment(paying(declined)));
  await fails(FAILED_PRECONDITION, client.authorizePayment(paying(failed)));
  await fails(FAILED_PRECONDITION, client.authorizePayment(paying(noCard)));
  await fails(FAILED_PRECONDITION, client.createPaymentMethod({ card: planted(noCard), requestId: "" }));
  await fails(INVALID_ARGUMENT, client.createPaymentMethod({ card: planted(letters), requestId: "" }));
  await fails(INVALID_ARGUMENT, client.authorizePayment(paying(faultless, { cvc: `${CVC} planted` })));
  await fails(ALREADY_EXISTS, client.authorizePayment({ ...paying(declined), requestId: request.requestId }));
  const unknown = await client.authorizePayment(paying(lost));
  await reconcile();

  // Where most is logged: the database fails, and then the provider.
  const rename = (from: string, to: string) =>
    sql`alter table payments.${sql.raw(from)} rename to ${sql.raw(to)}`.execute(database.queries);
  await rename("transactions", "gone");
  await fails(INTERNAL, client.authorizePayment(paying(faultless)));
  await rename("gone", "transactions");
  const files = await providerText();
  await process.process().stop("SIGKILL");
  await fails(UNAVAILABLE, client.createPaymentMethod({ card: planted(faultless), requestId: "" }));
  await fails(UNAVAILABLE, client.authorizePayment(paying(faultless)));

  const calls = server.ended.length;
  await expect.poll(() => output.lines().filter(({ msg }) => msg === "call").length).toBe(calls);
  const spans = exporter.getFinishedSpans().map(({ name, attributes, events, status }) => {
    return { name, attributes, events, status };
  });
  const everything = (value: unknown) =>
    inspect(value, { depth: 12, maxArrayLength: null, maxStringLength: null });
  const sources: Record<string, readonly [text: string, proof: string]> = {
    log: [output.text, "AuthorizePayment"],
    "other log lines": [everything([server.log, logged]), "outcome of a payment transaction is unknown"],
    statuses: [everything(server.ended.map(({ status }) => status)), "the card was declined"],
    spans: [everything(spans), "CreatePaymentMethod"],
    errors: [everything(errors), "insufficient_funds"],
    "details of errors": [
      errors
        .map(({ trailers }) => everything(trailers.getMap()) + trailers.get("grpc-status-details-bin").join())
        .join(),
      "card.card_number",
    ],
    database: [await databaseText(), "payments.transactions"],
    "the provider's files": [files, method.card?.lastFour ?? "no card"],
  };
  for (const [source, [text, proof]] of Object.entries(sources)) {
    expect(text, source).toContain(proof);
    expect(foundIn(text), source).toEqual([]);
  }
  // Nothing was kept out by keeping nothing.
  expect((await get(unknown.payment?.paymentId ?? "")).card?.lastFour).toBe(lost.slice(-4));
});
