import { afterAll, beforeAll, expect, test } from "vitest";
import { type Echo, echoPath, startEcho } from "#impl/client/testing/echo.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { Code, codeName } from "#impl/runtime/status.ts";
import { testSchema } from "#impl/runtime/testing/echo-service.ts";
import { grpcFrame, rawConnection } from "#impl/runtime/testing/raw-client.ts";
import { authorize } from "./authorize.ts";

const permissions = ["widgets.read", "widgets.list"];
const methods = {
  open: { policy: { access: { public: true } } },
  known: { policy: { access: { authenticated: true } } },
  allowed: { policy: { access: { permissions } } },
  own: { policy: { access: { permissions, owner: { requestField: "value" } } } },
  ownResource: { policy: { access: { permissions, owner: { resource: true } } } },
};

const callers = {
  nobody: undefined,
  ann: { userId: "U-Ann", permissions: [] },
  half: { userId: "half", permissions: ["widgets.read"] },
  admin: { userId: "admin", permissions: [...permissions, "more"] },
  nameless: { userId: "", permissions: [] },
} as const;
type Caller = keyof typeof callers;

const identify: Link = (_, next) => (call, input) => {
  const caller = callers[(call.metadata.get("x-caller") ?? "nobody") as Caller];
  if (caller !== undefined) {
    call.principal = { userId: caller.userId, roles: [], permissions: new Set(caller.permissions) };
  }
  return next(call, input);
};

let echo: Echo<typeof methods>;
beforeAll(async () => {
  const answer = (): string => "";
  const handlers = { open: answer, known: answer, allowed: answer, own: answer, ownResource: answer };
  echo = await startEcho(methods, handlers, { links: () => [identify, authorize] });
});
afterAll(() => echo[Symbol.asyncDispose]());

const { OK, UNAUTHENTICATED, PERMISSION_DENIED } = Code;
const matrix: ReadonlyArray<readonly [keyof typeof methods, Caller, string, Code]> = [
  ["open", "nobody", "", OK],
  ["open", "ann", "", OK],
  ["known", "nobody", "", UNAUTHENTICATED],
  ["known", "ann", "", OK],
  ["allowed", "nobody", "", UNAUTHENTICATED],
  ["allowed", "ann", "", PERMISSION_DENIED],
  ["allowed", "half", "", PERMISSION_DENIED],
  ["allowed", "admin", "", OK],
  ["own", "nobody", "U-Ann", UNAUTHENTICATED],
  ["own", "ann", "U-Ann", OK],
  ["own", "ann", "u-aNN", OK],
  ["own", "ann", "U-Ann ", PERMISSION_DENIED],
  ["own", "ann", "U-Bob", PERMISSION_DENIED],
  ["own", "ann", "", PERMISSION_DENIED],
  ["own", "nameless", "", PERMISSION_DENIED],
  ["own", "half", "U-Ann", PERMISSION_DENIED],
  ["own", "admin", "U-Ann", OK],
  ["own", "admin", "", OK],
  // The service compares the owner of what it loads.
  ["ownResource", "ann", "", OK],
  ["ownResource", "nobody", "", UNAUTHENTICATED],
];

test.each(
  matrix.map(([method, caller, value, code]) => [method, caller, value, codeName(code), code] as const),
)("%s called by %s about %j is %s", async (method, caller, value, _, code) => {
  const outcome = await echo.client[method](value, { metadata: { "x-caller": caller } }).then(
    () => OK,
    (error: { code: Code }) => error.code,
  );
  expect(outcome).toBe(code);
});

test("what is missing is named, and only that", async () => {
  await expect(echo.client.allowed("", { metadata: { "x-caller": "half" } })).rejects.toMatchObject({
    reason: "PERMISSION_MISSING",
    details: { errorInfo: { metadata: { permissions: "widgets.list" } } },
  });
});

test("a request that cannot be read is INVALID_ARGUMENT for an owner rule", async () => {
  await using raw = await rawConnection(echo.server.address);
  const reply = await raw.call(echoPath("own"), grpcFrame(Buffer.from([0x0a, 9])), { "x-caller": "ann" });
  expect(reply.headers["grpc-status"]).toBe(String(Code.INVALID_ARGUMENT));
});

test.each([
  [
    "names no field",
    { policy: { access: { permissions, owner: { requestField: "user_id" } } } },
    '/testing.v1.EchoService/odd: policy: "user_id" is not a field',
  ],
  [
    "would need the first of many requests",
    { requestStream: true, policy: { access: { permissions, owner: { requestField: "value" } } } },
    "/testing.v1.EchoService/odd: an owner field cannot be read from a request stream",
  ],
])("an owner rule that %s is refused at the start", (_, method, why) => {
  const [odd] = testSchema({ odd: method }).methods.values();
  expect(() => odd && authorize(odd, () => Buffer.of())).toThrow(why);
});
