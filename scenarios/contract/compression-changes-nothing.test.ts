// Claim: a request compressed with gzip gets the answer of an uncompressed one, and a caller that takes gzip gets the answer of one that
// takes none, for every method without side effects and every kind of call.
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { afterAll, expect, test } from "vitest";
import type { ContractMethod } from "#harness/contract/contract.ts";
import { messageMaker } from "#harness/contract/valid-messages.ts";
import { Code } from "#proto/google/rpc/code.ts";
import { effort, seed } from "../scenario-seed.ts";
import { sharedShop } from "../shared-shop.ts";

const { contract, known, token, connect } = sharedShop;
const maker = messageMaker(contract, known);
const connection = await connect();
afterAll(() => connection.close());

const PATIENCE_MS = 5_000;
/** Streams without end are compared by what they have sent until then. */
const STREAM_MS = 1_000;
/** Sealed, or of the time at which they are asked for. */
const NEVER_THE_SAME = /(Token|Time|^window|^figures|^series)$/;

interface Way {
  readonly sent: "gzip" | "identity";
  readonly taken: "gzip" | "identity";
}

interface Answer {
  readonly status: number;
  readonly messages: readonly unknown[];
  readonly compressed: number;
}

const PLAIN: Way = { sent: "identity", taken: "identity" };
const WAYS: readonly Way[] = [
  { sent: "identity", taken: "gzip" },
  { sent: "gzip", taken: "identity" },
  { sent: "gzip", taken: "gzip" },
];

async function ask(method: ContractMethod, messages: readonly Uint8Array[], way: Way): Promise<Answer> {
  const { path, kind, output } = method;
  const stream = await connection.open(
    {
      path,
      timeoutMs: kind === "unary" || kind === "client_streaming" ? PATIENCE_MS : STREAM_MS,
      metadata: [
        ["authorization", `Bearer ${token}`],
        ["x-accept-encoding", way.taken],
      ],
      ...(way.sent === "gzip" ? { encoding: "gzip" } : {}),
    },
    AbortSignal.timeout(2 * PATIENCE_MS),
  );
  for (const message of messages) {
    const sent = way.sent === "gzip" ? gzipSync(message) : message;
    if (!(await stream.send(sent, way.sent === "gzip"))) break;
  }
  stream.end();
  const answers: unknown[] = [];
  let compressed = 0;
  for await (const { bytes = Buffer.alloc(0), compressed: zipped } of stream.messages) {
    if (zipped) compressed++;
    const plain = zipped ? gunzipSync(bytes) : bytes;
    const json = toJson(output, fromBinary(output, plain), { registry: contract.registry });
    answers.push(JSON.parse(JSON.stringify(json, (key, value) => (NEVER_THE_SAME.test(key) ? "-" : value))));
  }
  const { grpcStatus, failure } = await stream.outcome;
  expect(failure).toBeUndefined();
  return { status: grpcStatus, messages: answers, compressed };
}

async function expectTheSame(method: ContractMethod, messages: readonly Uint8Array[]): Promise<Answer[]> {
  const [plain, ...others] = await Promise.all([PLAIN, ...WAYS].map((way) => ask(method, messages, way)));
  for (const [at, { status, messages: answers, compressed }] of others.entries()) {
    const way = WAYS[at];
    const what = `${JSON.stringify(way)}, SEED=${seed}`;
    if (way?.taken === "identity") expect(compressed).toBe(0);
    // Of streams without end a slow machine sees less.
    const endless = [status, plain?.status].includes(Code.DEADLINE_EXCEEDED);
    const seen = endless ? Math.min(answers.length, plain?.messages.length ?? 0) : Number.POSITIVE_INFINITY;
    if (!endless) expect(status, what).toBe(plain?.status);
    expect(answers.slice(0, seen), what).toEqual(plain?.messages.slice(0, seen));
  }
  expect(plain?.compressed).toBe(0);
  return others;
}

const reads = contract.methods.filter(({ policy }) => policy.idempotency === "IDEMPOTENCY_NO_SIDE_EFFECTS");

test.concurrent.each(reads.map((method) => [method.path, method] as const))("%s", async (_, method) => {
  const requests = maker.valid(method.input, seed, 2 * effort);
  await Promise.all(requests.map((json) => expectTheSame(method, [maker.encode(method.input, json)])));
});

function methodOf(path: string): ContractMethod {
  const found = contract.methods.find((method) => method.path === `/ecommerce.v1.${path}`);
  if (found === undefined) throw new Error(`${path} is not in the contract`);
  return found;
}

test("a large answer comes compressed to who takes gzip", async () => {
  const method = methodOf("ProductService/BatchGetProducts");
  const message = maker.encode(method.input, { productIds: known.productId });
  const [zipped] = await expectTheSame(method, [message]);
  expect(zipped).toMatchObject({ status: Code.OK, compressed: 1 });
});

test("a stream of requests may be compressed message by message", async () => {
  const method = methodOf("ProductService/UploadProductImage");
  const [productId = ""] = known.productId ?? [];
  const png = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.alloc(100_000)]);
  const sha256 = createHash("sha256").update(png).digest("base64");
  const header = { header: { productId, contentType: "image/png", sizeBytes: String(png.length), sha256 } };
  const chunks = [png.subarray(0, 65_536), png.subarray(65_536)].map((data) => ({
    chunk: data.toString("base64"),
  }));
  const messages = [header, ...chunks].map((json) => maker.encode(method.input, json));
  const [answer] = await expectTheSame(method, messages);
  expect(answer?.status).toBe(Code.OK);
});
