// `node harness/order-cost.ts [orders]`: where the time of an order goes. One shop takes orders by CreateOrder and processes them to their
// end, under a CPU profile; the table says which part of the program had how much of the CPU, and what an order costs in statements.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { v7 as uuidV7 } from "uuid";
import { NewOrder } from "#proto/ecommerce/v1/order.ts";
import { connect } from "#wire/client.ts";
import { abortOnSignals } from "./abort-on-signals.ts";
import { stockShelves } from "./chaos/stock-shelves.ts";
import { seededRandom } from "./random/seeded-random.ts";
import { OPERATOR_PERMISSIONS, type ShopCallers, shopCallers } from "./shop/shop-callers.ts";
import { type CpuProfile, type ProfilePart, timeByPart } from "./sut/cpu-profile.ts";
import { databaseCpuOf } from "./sut/database-cpu.ts";
import { untilServing } from "./sut/health.ts";
import { startSystem } from "./sut/start-system.ts";
import { createTokenIssuer } from "./sut/tokens.ts";

const OPERATOR = "00000000-0000-7000-8000-000000000001";
const WARM_UP_ORDERS = 300;
const CUSTOMERS = 16;
const CARD = {
  cardNumber: "4242424242424242",
  expiryMonth: 12,
  expiryYear: 2099,
  cvc: "123",
  holderName: "A B",
};

const PARTS: readonly ProfilePart[] = [
  ["garbage collection", /^\(\(garbage collector\)\)/],
  ["waiting for the kernel, and other native code", /^\(\(program\)\)/],
  ["validation of requests (protovalidate)", /protovalidate|@bufbuild\/cel|middleware\/validate\.ts/],
  ["encoding and decoding of messages", /proto\/gen\/|@bufbuild\/protobuf/],
  ["statements (pg, kysely, storage)", /node_modules\/(pg|pg-[a-z]+|kysely)\/|impl\/storage\//],
  ["payment provider, over HTTP", /undici|http-provider/],
  ["the other links of the chain", /impl\/middleware\/|impl\/observability\/|impl\/auth\//],
  [
    "gRPC (grpc-js, http2, runtime, client)",
    /@grpc\/grpc-js|node:internal\/http2|node:http2|impl\/runtime\/|impl\/client\//,
  ],
  ["order: acceptance and sagas", /impl\/services\/order\//],
  ["inventory", /impl\/services\/inventory\//],
  ["payments", /impl\/services\/payment\//],
  ["other services", /impl\/services\//],
];

async function measure(count: number, signal: AbortSignal): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "grpc-ecommerce-order-cost-"));
  try {
    const { from, to, cpuMicros, databaseMicros, statements } = await loadShop(directory, count, signal);
    const each = (all: number, digits = 0): string => (all / count).toFixed(digits);
    return [
      `${count} orders, ${((count / (to - from)) * 1e6).toFixed(0)} a second, ${CUSTOMERS} at a time`,
      `an order: ${each(cpuMicros)} us of the shop's CPU, ${each(databaseMicros)} us of PostgreSQL's, ${each(statements, 1)} statements`,
      ...table(timeByPart(await readProfile(directory), PARTS, { from, to })),
    ].join("\n");
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Used {
  /** Microseconds of the monotonic clock. */
  readonly from: number;
  readonly to: number;
  readonly cpuMicros: number;
  readonly databaseMicros: number;
  readonly statements: number;
}

/** When it resolves the shop has ended and written its profile to the directory. */
async function loadShop(directory: string, count: number, signal: AbortSignal): Promise<Used> {
  const issuer = await createTokenIssuer(directory);
  const token = await issuer.issue({ subject: OPERATOR, permissions: OPERATOR_PERMISSIONS }, 3600);
  const system = await startSystem({
    name: "order-cost",
    env: { DATA_DIR: join(directory, "data"), JWKS_FILE: issuer.jwksFile, LOG_LEVEL: "warn" },
    nodeFlags: ["--max-semi-space-size=16", "--cpu-prof", `--cpu-prof-dir=${directory}`],
    serving: untilServing,
    signal,
  });
  try {
    const connection = await connect({ ...system.grpc, signal });
    try {
      const productIds = await stockShelves(connection, token, seededRandom(1).fork("stock"));
      const callers = shopCallers(connection, token, signal);
      await placeOrders(callers, productIds, await paymentTokens(callers, WARM_UP_ORDERS));
      const tokens = await paymentTokens(callers, count);
      const database = await databaseCpuOf(system.pid);
      const used = async () => ({
        ...(await system.runtime()),
        databaseMicros: (await database.micros()) ?? 0,
      });
      const before = await used();
      const from = monotonicMicros();
      await placeOrders(callers, productIds, tokens);
      const to = monotonicMicros();
      const after = await used();
      return {
        from,
        to,
        cpuMicros: after.cpuMicros - before.cpuMicros,
        databaseMicros: after.databaseMicros - before.databaseMicros,
        statements: after.databaseQueries - before.databaseQueries,
      };
    } finally {
      await connection.close();
    }
  } finally {
    await system.stop();
  }
}

/** Each waits for the end of its processing. */
async function placeOrders(
  callers: ShopCallers,
  productIds: readonly string[],
  tokens: readonly string[],
): Promise<void> {
  const paid = tokens.entries();
  const customer = async (): Promise<void> => {
    for (const [index, paymentMethodToken] of paid) {
      const productId = productIds[index % productIds.length] ?? "";
      const order = NewOrder.create({
        guest: { email: "", fullName: "" },
        lines: [{ productId, quantity: 1n, unitPrice: undefined }],
        paymentMethodToken,
        charges: { items: [] },
      });
      await callers.orders.createOrder({ order, requestId: uuidV7(), wait: { seconds: 10n, nanos: 0 } });
    }
  };
  await Promise.all(Array.from({ length: CUSTOMERS }, customer));
}

async function paymentTokens({ payments }: ShopCallers, count: number): Promise<string[]> {
  const tokens: string[] = [];
  const wanted = Array.from({ length: count }).values();
  const work = async (): Promise<void> => {
    for (const _ of wanted)
      tokens.push((await payments.createPaymentMethod({ card: CARD, requestId: "" })).paymentMethodToken);
  };
  await Promise.all(Array.from({ length: CUSTOMERS }, work));
  return tokens;
}

/** Of the server's main thread, which lives longest. */
async function readProfile(directory: string): Promise<CpuProfile> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".cpuprofile"));
  // V8 writes the shape that its protocol documents.
  const profiles = await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(directory, name), "utf8")) as CpuProfile),
  );
  const [largest] = profiles.sort((one, other) => other.samples.length - one.samples.length);
  if (largest === undefined) throw new Error(`no profile was written to ${directory}`);
  return largest;
}

function table(spent: ReadonlyMap<string, number>): string[] {
  const all = [...spent.values()].reduce((sum, micros) => sum + micros, 0);
  return [...spent]
    .sort(([, one], [, other]) => other - one)
    .map(([part, micros]) => `${((100 * micros) / all).toFixed(1).padStart(5)} %  ${part}`);
}

function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Throws an Error that names the value and its rule. */
function readCount([text = "1000"]: readonly string[]): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new Error(`orders ${text}: must be a whole number from 1`);
  return count;
}

const interrupt = abortOnSignals(process.stderr);
try {
  process.stdout.write(`${await measure(readCount(process.argv.slice(2)), interrupt)}\n`);
} catch (error) {
  process.stderr.write(`no measurement: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = interrupt.aborted ? 130 : 1;
}
