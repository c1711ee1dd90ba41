// Claim: clients that others wrote, Go's of buf and the C core of gRPC under Python, call the shop as our own do: answers, statuses with
// details, streams.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { repositoryRoot } from "#harness/sut/start-system.ts";
import {
  GetProductRequest,
  GetProductResponse,
  StreamProductUpdatesRequest,
} from "#proto/ecommerce/v1/product_service.ts";
import { Code } from "#proto/google/rpc/code.ts";
import { Status } from "#proto/google/rpc/status.ts";
import { sharedShop } from "../shared-shop.ts";

const run = promisify(execFile);
const { known, system, token } = sharedShop;
const [productId = ""] = known.productId ?? [];
const { host, port } = system.grpc;
const UNKNOWN_ID = "00000000-0000-7000-8000-000000000000";

async function curl(method: string, request: object): Promise<{ out: string; err: string }> {
  const args = ["curl", "--protocol", "grpc", "--http2-prior-knowledge", "--schema", "proto/gen/image.binpb"];
  const call = ["-H", `authorization: Bearer ${token}`, "-d", JSON.stringify(request)];
  const url = `http://${host}:${port}/ecommerce.v1.${method}`;
  const buf = join(repositoryRoot, "node_modules/.bin/buf");
  return run(buf, [...args, ...call, url], { cwd: repositoryRoot }).then(
    ({ stdout, stderr }) => ({ out: stdout, err: stderr }),
    ({ stdout, stderr }) => ({ out: stdout, err: stderr }),
  );
}

test("buf curl", async () => {
  const { out } = await curl("ProductService/GetProduct", { productId });
  expect(JSON.parse(out)).toMatchObject({ product: { productId } });
  const { err } = await curl("ProductService/GetProduct", { productId: UNKNOWN_ID });
  expect(JSON.parse(err)).toMatchObject({
    code: "not_found",
    details: [{ type: "google.rpc.ErrorInfo" }, {}],
  });
});

const PYTHON = "/usr/bin/python3";
const missing = await run(PYTHON, ["-c", "import grpc"]).then(
  () => undefined,
  () => `${PYTHON} has no module grpc (Debian: python3-grpcio)`,
);

/** Reads lines "kind path request-in-hex" of calls, and says of each its status, its details and its first answer. */
const SCRIPT = `
import sys, grpc
channel = grpc.insecure_channel(sys.argv[1])
metadata = (("authorization", "Bearer " + sys.argv[2]),)
for kind, path, request in zip(*[iter(sys.argv[3:])] * 3):
    answer = b""
    try:
        if kind == "unary":
            answer = channel.unary_unary(path)(bytes.fromhex(request), timeout=10, metadata=metadata)
        else:
            for answer in channel.unary_stream(path)(bytes.fromhex(request), timeout=0.3, metadata=metadata):
                pass
        print("OK -", answer.hex())
    except grpc.RpcError as error:
        details = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
        print(error.code().name, details.hex() or "-", answer.hex())
`;

test("Python's C core", async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  const get = (id: string) =>
    Buffer.from(GetProductRequest.encode(GetProductRequest.create({ productId: id })).finish()).toString(
      "hex",
    );
  const follow = StreamProductUpdatesRequest.encode(StreamProductUpdatesRequest.fromPartial({})).finish();
  const path = "/ecommerce.v1.ProductService";
  const calls = [
    ["unary", `${path}/GetProduct`, get(productId)],
    ["unary", `${path}/GetProduct`, get(UNKNOWN_ID)],
    ["stream", `${path}/StreamProductUpdates`, Buffer.from(follow).toString("hex")],
    ["unary", `${path}/NoSuchMethod`, ""],
  ];
  const { stdout } = await run(PYTHON, ["-c", SCRIPT, `${host}:${port}`, token, ...calls.flat()]);
  const [found = [], absent = [], endless = [], none = []] = stdout
    .split("\n")
    .map((line) => line.split(" "));
  expect(found[0]).toBe("OK");
  expect(GetProductResponse.decode(Buffer.from(found[2] ?? "", "hex")).product?.productId).toBe(productId);
  expect(absent[0]).toBe("NOT_FOUND");
  expect(Status.decode(Buffer.from(absent[1] ?? "", "hex"))).toMatchObject({ code: Code.NOT_FOUND });
  expect(endless[0]).toBe("DEADLINE_EXCEEDED");
  expect(none[0]).toBe("UNIMPLEMENTED");
});
