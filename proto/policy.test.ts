// The contract keeps its own rules, and every rule is shown to catch a contract that breaks it.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { readContract } from "./contract.ts";
import { Compression, Idempotency, RateClass, Sensitivity } from "./gen/ecommerce/v1/policy.ts";
import { Code } from "./gen/google/rpc/code.ts";
import { checkContract } from "./policy-check.ts";
import { buildSourceImage } from "./source-image.ts";
import { contractOf, field, method, policy } from "./testing/contract-builder.ts";

const HERE = import.meta.dirname;

const READ = Idempotency.IDEMPOTENCY_NO_SIDE_EFFECTS;
const WRITE = Idempotency.IDEMPOTENCY_IDEMPOTENT;
const BY_ID = Idempotency.IDEMPOTENCY_BY_REQUEST_ID;
const minute = { seconds: 60n, nanos: 0 };
const cached = (over: object = {}) => ({ ttl: minute, scope: 1 as const, tags: [], ...over });
const permissions = (over: object = {}) => ({
  public: false,
  authenticated: false,
  permissions: ["things.read"],
  owner: undefined,
  ...over,
});

/** A contract for each rule that breaks it. */
const ILLEGAL: Readonly<Record<string, ReturnType<typeof contractOf>>> = {
  "policy.missing": contractOf({ method: { ...method(), policy: undefined } }),
  "access.exactly-one": contractOf({ method: method({ access: permissions({ public: true }) }) }),
  "access.permission-name": contractOf({
    method: method({ access: permissions({ permissions: ["Read"] }) }),
  }),
  "owner.needs-permissions": contractOf({
    method: method({
      access: permissions({
        authenticated: true,
        permissions: [],
        owner: { requestField: "thing_id", resource: false },
      }),
    }),
  }),
  "owner.exactly-one": contractOf({
    method: method({ access: permissions({ owner: { requestField: "thing_id", resource: true } }) }),
  }),
  "owner.field": contractOf({
    method: method({ access: permissions({ owner: { requestField: "nobody", resource: false } }) }),
  }),
  "idempotency.unspecified": contractOf({
    method: method({ idempotency: Idempotency.IDEMPOTENCY_UNSPECIFIED }),
  }),
  "rate.unspecified": contractOf({ method: method({ rate: RateClass.RATE_CLASS_UNSPECIFIED }) }),
  "compression.unspecified": contractOf({
    method: method({ compression: Compression.COMPRESSION_UNSPECIFIED }),
  }),
  "deadline.range": contractOf({ method: method({ deadline: { seconds: 61n, nanos: 0 } }) }),
  "request-id.missing": contractOf({ method: method({ idempotency: BY_ID }) }),
  "request-id.unused": contractOf({ request: [field("request_id", { rules: { string: { uuid: true } } })] }),
  "cache.side-effects": contractOf({ method: method({ idempotency: WRITE, cache: cached() }) }),
  "cache.stream": contractOf({ method: { ...method({ cache: cached() }), kind: "server_streaming" } }),
  "cache.ttl": contractOf({ method: method({ cache: cached({ ttl: { seconds: 0n, nanos: 0 } }) }) }),
  "cache.scope-unspecified": contractOf({ method: method({ cache: cached({ scope: 0 }) }) }),
  "cache.scope-shared": contractOf({
    method: method({
      access: permissions({ owner: { requestField: "", resource: true } }),
      cache: cached(),
    }),
  }),
  "cache.tag-never-invalidated": contractOf({ method: method({ cache: cached({ tags: ["things"] }) }) }),
  "invalidates.tag-never-cached": contractOf({
    method: method({ idempotency: WRITE, invalidates: ["things"] }),
  }),
  "invalidates.read": contractOf({ method: method({ idempotency: READ, invalidates: ["things"] }) }),
  "tag.field": contractOf({ method: method({ cache: cached({ tags: ["thing/{nothing}"] }) }) }),
  "secret.compressed": contractOf({
    method: method({ compression: Compression.COMPRESSION_LARGE }),
    response: [field("password", { sensitivity: Sensitivity.SENSITIVITY_SECRET })],
  }),
  "secret.cached": contractOf({
    method: method({ cache: cached() }),
    response: [field("password", { sensitivity: Sensitivity.SENSITIVITY_SECRET })],
  }),
  "errors.always-possible": contractOf({ method: method({ errors: [Code.INTERNAL] }) }),
  "errors.repeated": contractOf({ method: method({ errors: [Code.NOT_FOUND, Code.NOT_FOUND] }) }),
  "errors.implied": contractOf({ request: [field("etag", { rules: { string: { maxLen: "64" } } })] }),
  "paging.size": contractOf({ request: [field("page_token", { rules: { string: { maxLen: "64" } } })] }),
  "paging.next": contractOf({ request: [field("page_token", { rules: { string: { maxLen: "64" } } })] }),
  "resume.response": contractOf({
    method: { ...method(), kind: "server_streaming" },
    responseOneofs: [{ name: "event", comment: "What happened." }],
  }),
  "resume.request": contractOf({
    method: { ...method(), kind: "server_streaming" },
    responseOneofs: [{ name: "event", comment: "What happened." }],
  }),
  "http.path-field": contractOf({
    method: { ...method(), routes: [{ verb: "GET", path: "/v1/{nothing}", body: "" }] },
  }),
  "http.body-field": contractOf({
    method: { ...method(), routes: [{ verb: "POST", path: "/v1", body: "nothing" }] },
  }),
  "bound.length": contractOf({ request: [field("note")] }),
  "bound.items": contractOf({
    request: [
      field("notes", { label: "repeated", rules: { repeated: { items: { string: { len: "3" } } } } }),
    ],
  }),
  "bound.pairs": contractOf({
    request: [
      field("labels", {
        label: "map",
        rules: { map: { keys: { string: { len: "3" } }, values: { string: { len: "3" } } } },
      }),
    ],
  }),
  "bound.keys": contractOf({
    request: [
      field("labels", { label: "map", rules: { map: { maxPairs: "3", values: { string: { len: "3" } } } } }),
    ],
  }),
  "bound.enum": contractOf({ request: [field("colour", { kind: "enum", type: "test.Colour" })] }),
  "bound.money": contractOf({ request: [field("price", { kind: "message", type: "google.type.Money" })] }),
  "bound.mask": contractOf({
    request: [field("read_mask", { kind: "message", type: "google.protobuf.FieldMask" })],
  }),
  "sensitivity.missing": contractOf({ response: [field("email")] }),
  "comment.missing": contractOf({ response: [field("note", { comment: "" })] }),
};

describe("the contract", () => {
  const contract = readContract(buildSourceImage());

  it("keeps every rule", () => {
    expect(checkContract(contract)).toEqual([]);
  });

  it("declares a policy on all of its methods", () => {
    const methods = contract.services.flatMap((service) => service.methods);
    expect(contract.services.length).toBeGreaterThanOrEqual(10);
    expect(methods.filter(({ policy }) => policy === undefined)).toEqual([]);
  });

  it("is what the committed image holds", () => {
    const committed = readContract(readFileSync(join(HERE, "gen/image.binpb")));
    const names = (read: typeof contract) => read.services.map(({ name, methods }) => [name, methods.length]);
    expect(names(committed)).toEqual(names(contract));
    expect([...committed.messages.keys()]).toEqual([...contract.messages.keys()]);
  });
});

describe("the checker", () => {
  it("finds nothing in a legal contract", () => {
    expect(checkContract(contractOf({}))).toEqual([]);
  });

  it.each(Object.entries(ILLEGAL))("finds a breach of %s", (rule, contract) => {
    expect(checkContract(contract).map((violation) => violation.rule)).toContain(rule);
  });

  it("has an illegal example for every rule", () => {
    const sources = ["policy-check.ts", "method-rules.ts", "field-rules.ts"].map((name) =>
      readFileSync(join(HERE, name), "utf8"),
    );
    const rules = sources.flatMap((text) =>
      [...text.matchAll(/"([a-z-]+\.[a-z-]+)",/g)].map(([, rule]) => rule),
    );
    expect([...new Set(rules)].toSorted()).toEqual(Object.keys(ILLEGAL).toSorted());
  });

  it.each(["^[a-z]+$", "^.{1,}$", "[a-z]{1,3}", "^a*$"])(
    "does not take the pattern %s for a bound",
    (pattern) => {
      const contract = contractOf({ request: [field("note", { rules: { string: { pattern } } })] });
      expect(checkContract(contract).map(({ rule }) => rule)).toEqual(["bound.length"]);
    },
  );

  it.each(["^[a-z+]{1,3}$", "^\\+[0-9]{1,3}$"])("takes the pattern %s for a bound", (pattern) => {
    const contract = contractOf({ request: [field("note", { rules: { string: { pattern } } })] });
    expect(checkContract(contract)).toEqual([]);
  });

  it("prefers no default: an empty policy is missing everything", () => {
    const contract = contractOf({ method: { ...method(), policy: policy({}, {}) } });
    expect(checkContract(contract).map(({ rule }) => rule)).toEqual([
      "access.exactly-one",
      "compression.unspecified",
      "deadline.range",
      "idempotency.unspecified",
      "rate.unspecified",
    ]);
  });
});

describe("the command", () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(HERE, "policy-check.ts"), ...args], { encoding: "utf8" });

  it("exits with 1 and names the method when one loses its policy", () => {
    const set = fromBinary(FileDescriptorSetSchema, buildSourceImage());
    const service = set.file.find(({ name }) => name === "ecommerce/v1/user.proto")?.service[0];
    const getUser = service?.method.find(({ name }) => name === "GetUser");
    if (getUser === undefined) throw new Error("there is no UserService.GetUser");
    delete getUser.options;
    const folder = mkdtempSync(join(tmpdir(), "policy-"));
    try {
      const image = join(folder, "image.binpb");
      writeFileSync(image, toBinary(FileDescriptorSetSchema, set));
      const { status, stdout } = run(image);
      expect(status).toBe(1);
      expect(stdout).toContain("ecommerce/v1/user.proto:UserService.GetUser: policy.missing: ");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("exits with 0 for the contract", () => {
    expect(execFileSync(process.execPath, [join(HERE, "policy-check.ts")], { encoding: "utf8" })).toMatch(
      /: 0 violations\n$/,
    );
  });
});
