// Claim: the cache, compression, and a gateway that pools connections to two replicas of each service and balances calls between them change
// no answer: the same reads and writes get the same answers with and without them.
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { expect, inject, onTestFinished, test } from "vitest";
import { readContract } from "#harness/contract/contract.ts";
import { messageMaker } from "#harness/contract/valid-messages.ts";
import { type SeededRandom, seededRandom } from "#harness/random/seeded-random.ts";
import { untilServing } from "#harness/sut/health.ts";
import { type RunningSystem, startSystem } from "#harness/sut/start-system.ts";
import { createTokenIssuer } from "#harness/sut/tokens.ts";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";
import { asked, effort, seed } from "../scenario-seed.ts";

const STEPS = 150 * effort;
const PRODUCTS = 6;
const TIMEOUT_MS = 120_000 * effort;
const PERMISSIONS = ["products.write", "inventory.write", "inventory.read"];
const contract = readContract();
const maker = messageMaker(contract);

type Json = Readonly<Record<string, unknown>>;

/** A call; ids are made by the system, so a product is meant by its number. */
interface Step {
  readonly method: string;
  readonly request: (productIds: readonly string[]) => Json;
}

function stepOf(random: SeededRandom, number: number): Step {
  const at = random.below(PRODUCTS);
  const requestId = `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`;
  const units = String(1 + random.below(50));
  const steps: readonly Step[] = [
    { method: "ProductService/GetProduct", request: (ids) => ({ productId: ids[at] }) },
    { method: "ProductService/BatchGetProducts", request: (ids) => ({ productIds: ids }) },
    {
      method: "ProductService/SearchProducts",
      request: () => ({ category: "lamps", pageSize: 1 + at, order: "PRODUCT_ORDER_PRICE_ASC" }),
    },
    { method: "InventoryService/GetStock", request: (ids) => ({ productId: ids[at] }) },
    {
      method: "ProductService/UpdateProduct",
      request: (ids) => ({
        product: {
          productId: ids[at],
          price: { currencyCode: "GBP", units },
          description: units.repeat(400),
        },
        updateMask: "price,description",
        requestId,
      }),
    },
    { method: "ProductService/DeleteProduct", request: (ids) => ({ productId: ids[at] }) },
    { method: "ProductService/UndeleteProduct", request: (ids) => ({ productId: ids[at] }) },
    {
      method: "InventoryService/ReceiveStock",
      request: (ids) => ({ items: [{ productId: ids[at], quantity: units }], reference: "a", requestId }),
    },
  ];
  // Reads, above all: what is kept is asked for again.
  const which = random.next() < 0.7 ? random.below(4) : 4 + random.below(4);
  return steps[which] as Step;
}

/** What is of the time, or sealed, or made by chance, is different in every run. */
const OWN = /(Time|Token|^etag|^score)$/;

async function call(connection: WireConnection, token: string, name: string, request: Json): Promise<Json> {
  const path = `/ecommerce.v1.${name}`;
  const method = contract.methods.find((one) => one.path === path);
  if (method === undefined) throw new Error(`${name} is not in the contract`);
  const result = await connection.call(
    {
      path,
      message: maker.encode(method.input, request),
      timeoutMs: 10_000,
      metadata: [
        ["authorization", `Bearer ${token}`],
        ["x-accept-encoding", "gzip"],
      ],
    },
    AbortSignal.timeout(20_000),
  );
  const { grpcStatus, grpcMessage = "", message, compressed } = result;
  if (message === undefined) return { name, grpcStatus, grpcMessage };
  const bytes = compressed ? gunzipSync(message) : message;
  return { name, grpcStatus, answer: toJson(method.output, fromBinary(method.output, bytes)) };
}

/** All answers of the sequence, with ids by number. */
async function answersOf(system: RunningSystem, token: string): Promise<string[]> {
  const connection = await connect(system.grpc);
  try {
    const ids: string[] = [];
    for (let i = 0; i < PRODUCTS; i++) {
      const price = { currencyCode: "GBP", units: String(100 + i) };
      const product = { sku: `lamp-${i}`, name: `Lamp ${i}`, category: "lamps", price };
      const made = await call(connection, token, "ProductService/CreateProduct", { product });
      ids.push((made as { answer: { product: { productId: string } } }).answer.product.productId);
    }
    const random = seededRandom(seed);
    const answers: string[] = [];
    for (let i = 0; i < STEPS; i++) {
      const { method, request } = stepOf(random, i);
      const answer = await call(connection, token, method, request(ids));
      const text = JSON.stringify(answer, (key, value) => (OWN.test(key) ? "-" : value));
      answers.push(ids.reduce((all, id, at) => all.replaceAll(id, `product ${at}`), text));
    }
    return answers;
  } finally {
    await connection.close();
  }
}

const ARMS: ReadonlyArray<readonly [name: string, env: Record<string, string>, script?: string]> = [
  ["plain", { MIDDLEWARE_OFF: "cache,compression" }],
  ["with everything", { COMPRESSION_MIN_BYTES: "0" }],
  // A dozen processes.
  ...(asked
    ? [
        [
          "replicas behind a gateway",
          { MIDDLEWARE_OFF: "cache", REPLICAS: "product=2,inventory=2" },
          "impl/up.ts",
        ] as const,
      ]
    : []),
];

test("every arm answers as the plain one", { timeout: TIMEOUT_MS }, async () => {
  const folder = await mkdtemp(join(inject("scratch"), "transparent-"));
  const issuer = await createTokenIssuer(folder);
  const token = await issuer.issue({
    subject: "00000000-0000-7000-8000-00000000000a",
    permissions: PERMISSIONS,
  });
  const runs = ARMS.map(async ([name, env, script]) => {
    const system = await startSystem({
      name,
      env: { DATA_DIR: join(folder, name), JWKS_FILE: issuer.jwksFile, LOG_LEVEL: "error", ...env },
      serving: untilServing,
      startTimeoutMs: TIMEOUT_MS,
      ...(script === undefined ? {} : { script }),
    });
    onTestFinished(async () => {
      await system.stop();
    });
    return answersOf(system, token);
  });
  const [plain = [], ...others] = await Promise.all(runs);
  expect(plain.filter((answer) => answer.includes('"grpcStatus":0')).length).toBeGreaterThan(STEPS / 2);
  for (const answers of others) expect(answers, `SEED=${seed}`).toEqual(plain);
});
