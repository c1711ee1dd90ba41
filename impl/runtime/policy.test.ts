import { expect, test } from "vitest";
import { CacheScope, Compression, Idempotency, RateClass, readPolicy } from "./policy.ts";
import { type TestMethod, testSchema } from "./testing/echo-service.ts";
import { ecommerceSchema } from "./testing/test-server.ts";

const ttl = { seconds: 1n };
const shared = { ttl, scope: CacheScope.CACHE_SCOPE_SHARED };
const permissions = ["widgets.read"];
const byResource = { permissions, owner: { resource: true } };

const refused: ReadonlyArray<readonly [rule: string, method: TestMethod]> = [
  ["states no access", { policy: { access: undefined } }],
  ["exactly one of public, authenticated and permissions, states 0", { policy: { access: {} } }],
  ["states 2", { policy: { access: { public: true, authenticated: true } } }],
  ["states 2", { policy: { access: { public: true, permissions } } }],
  ["states no idempotency", { policy: { idempotency: Idempotency.IDEMPOTENCY_UNSPECIFIED } }],
  ["states no rate class", { policy: { rate: RateClass.RATE_CLASS_UNSPECIFIED } }],
  ["states no compression", { policy: { compression: Compression.COMPRESSION_UNSPECIFIED } }],
  ["deadline must be longer than 0, got 0 ms", { policy: { deadline: undefined } }],
  ["deadline must be longer than 0, got -5000 ms", { policy: { deadline: { seconds: -5n } } }],
  [
    "caches a method with side effects",
    { policy: { idempotency: Idempotency.IDEMPOTENCY_IDEMPOTENT, cache: shared } },
  ],
  ["cache ttl must be longer than 0", { policy: { cache: { scope: CacheScope.CACHE_SCOPE_SHARED } } }],
  ["cache states no scope", { policy: { cache: { ttl } } }],
  ["owner must state exactly one", { policy: { access: { permissions, owner: {} } } }],
  [
    "owner must state exactly one",
    { policy: { access: { permissions, owner: { resource: true, requestField: "value" } } } },
  ],
  [
    "states an owner without permissions",
    { policy: { access: { public: true, owner: { resource: true } } } },
  ],
  ["caches for everyone what only its owner may see", { policy: { access: byResource, cache: shared } }],
  ["caches a stream", { responseStream: true, policy: { cache: shared } }],
  ["caches a stream", { requestStream: true, policy: { cache: shared } }],
  ["invalidates what is cached without side effects", { policy: { invalidates: ["widgets"] } }],
];

test.each(refused)("a schema is refused with the method's name when its policy %s", (rule, method) => {
  expect(() => testSchema({ fine: {}, Odd: method })).toThrow(
    expect.objectContaining({ message: expect.stringMatching(/^\/testing\.v1\.EchoService\/Odd: policy /) }),
  );
  expect(() => testSchema({ Odd: method })).toThrow(rule);
});

test("a method without a policy is refused", () => {
  expect(() => readPolicy("/a.B/C", undefined)).toThrow("/a.B/C: has no policy option");
});

test("a policy is read into plain values", () => {
  const { methods } = testSchema({
    unary: {
      policy: {
        access: byResource,
        deadline: { seconds: 1n, nanos: 500_000_000 },
        cache: { ttl: { seconds: 30n }, scope: CacheScope.CACHE_SCOPE_PRINCIPAL, tags: ["w/{value}"] },
      },
    },
  });
  expect(methods.get("/testing.v1.EchoService/unary")?.policy).toEqual({
    access: { kind: "permissions", permissions, owner: "resource" },
    idempotency: Idempotency.IDEMPOTENCY_NO_SIDE_EFFECTS,
    deadlineMs: 1_500,
    rate: RateClass.RATE_CLASS_READ,
    compression: Compression.COMPRESSION_NEVER,
    cache: { ttlMs: 30_000, scope: CacheScope.CACHE_SCOPE_PRINCIPAL, tags: ["w/{value}"] },
    invalidates: [],
  });
});

test("every method of the contract has a policy that holds together", () => {
  expect(ecommerceSchema().methods.size).toBeGreaterThan(50);
});
