// What a path, a query string and a body say becomes the one message that they mean, for every path of the contract.
import {
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readHttpRules } from "#impl/runtime/http-rules.ts";
import { RpcError } from "#impl/runtime/rpc-error.ts";
import { ecommerceSchema } from "#impl/runtime/testing/test-server.ts";
import { bindRequest } from "./bind-request.ts";
import { setField } from "./request-fields-json.ts";
import { createRouter } from "./router.ts";

const { registry } = ecommerceSchema();
const bindings = [...registry]
  .filter((type) => type.kind === "service")
  .flatMap((service) => service.methods)
  .flatMap((desc) => readHttpRules(registry, desc).map((rule) => ({ input: desc.input, rule })));
const router = createRouter(
  bindings.map((route) => ({ httpMethod: route.rule.verb, template: route.rule.path, route })),
);

/** A text as it may stand in a URL, and never empty: an empty segment is none. */
const texts = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });

function valueFor(field: DescField): fc.Arbitrary<string> | undefined {
  if (field.fieldKind === "message" || field.fieldKind === "map") return undefined;
  if (field.fieldKind === "list" && field.listKind === "message") return undefined;
  if (field.enum !== undefined) return fc.constantFrom(...field.enum.values.map(({ name }) => name));
  switch (field.scalar) {
    case ScalarType.STRING:
      return texts;
    case ScalarType.BOOL:
      return fc.constantFrom("true", "false");
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString("base64"));
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String);
    default:
      return fc.integer({ min: 0, max: 2 ** 31 - 1 }).map(String);
  }
}

/** Values for some fields of a message, by name. */
function fieldsOf(message: DescMessage): fc.Arbitrary<Partial<Record<string, string>>> {
  const oneofs = new Set<string>();
  const entries = message.fields.flatMap((field) => {
    const value = valueFor(field);
    if (value === undefined || (field.oneof !== undefined && oneofs.has(field.oneof.name))) return [];
    if (field.oneof !== undefined) oneofs.add(field.oneof.name);
    return [[field.name, value] as const];
  });
  return fc.record(Object.fromEntries(entries), { requiredKeys: [] });
}

test.each(bindings.map((binding) => [`${binding.rule.verb} ${binding.rule.path}`, binding] as const))(
  "%s",
  (_, { input, rule }) => {
    fc.assert(
      fc.property(fieldsOf(input), texts, (fields, pathText) => {
        const bound = [...rule.path.matchAll(/\{([^}]*)\}/g)].map(([, path = ""]) => path);
        const expected: Record<string, JsonValue> = {};
        const inBody: Record<string, JsonValue> = {};
        const query: string[] = [];
        for (const [name, text = ""] of Object.entries(fields)) {
          if (bound.includes(name) || name === rule.body) continue;
          setField(expected, input, name, [text]);
          if (rule.body === "*") setField(inBody, input, name, [text]);
          else query.push(`${name}=${encodeURIComponent(text)}`);
        }
        for (const path of bound) setField(expected, input, path, [pathText]);
        const url = rule.path.replaceAll(/\{[^}]*\}/g, encodeURIComponent(pathText));
        const found = router.find(rule.verb, url);
        if (found.kind !== "route") throw new Error(`${url} has no route`);
        expect(found.route.rule).toBe(rule);
        const bytes = bindRequest(
          { input, body: rule.body, registry },
          {
            pathValues: found.values,
            query: query.join("&"),
            body: rule.body === "*" ? Buffer.from(JSON.stringify(inBody)) : Buffer.of(),
            resumeToken: undefined,
          },
        );
        // A body that is absent is the empty message of its field.
        const asked = rule.body === "" || rule.body === "*" ? expected : { [rule.body]: {}, ...expected };
        const got = toJson(input, fromBinary(input, bytes), { registry });
        expect(got).toEqual(toJson(input, fromJson(input, asked, { registry }), { registry }));
      }),
      { numRuns: 8 },
    );
  },
);

function refusal(
  rpc: string,
  parts: { path?: Record<string, string>; query?: string; body?: string },
): string[] {
  const desc = [...registry]
    .filter((type) => type.kind === "service")
    .flatMap((service) => service.methods)
    .find(({ name }) => name === rpc);
  const [rule] = desc === undefined ? [] : readHttpRules(registry, desc);
  if (desc === undefined || rule === undefined) throw new Error(`${rpc} has no path`);
  try {
    bindRequest(
      { input: desc.input, body: rule.body, registry },
      {
        pathValues: new Map(Object.entries(parts.path ?? {})),
        query: parts.query ?? "",
        body: Buffer.from(parts.body ?? "", "latin1"),
        resumeToken: undefined,
      },
    );
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return [error.values.field ?? "", error.values.rule ?? ""];
  }
  return [];
}

test.each<readonly [string, string, Parameters<typeof refusal>[1], readonly string[]]>([
  ["an unknown member", "CreateProduct", { body: '{"produkt":{}}' }, ["produkt", "http.unknown_field"]],
  [
    "an unknown member within",
    "CreateProduct",
    { body: '{"product":{"nam":1}}' },
    ["nam", "http.unknown_field"],
  ],
  ["__proto__", "CreateProduct", { body: '{"__proto__":{}}' }, ["__proto__", "http.unknown_field"]],
  ["a value of another type", "CreateProduct", { body: '{"product":{"name":5}}' }, ["name", "http.json"]],
  ["JSON that is cut off", "CreateProduct", { body: '{"product":' }, ["", "http.json"]],
  ["a list", "CreateProduct", { body: "[]" }, ["", "http.json"]],
  ["bytes that are not UTF-8", "CreateProduct", { body: '{"a":"\xff"}' }, ["", "http.json"]],
  ["a lone surrogate", "CreateProduct", { body: '{"product":{"name":"\\ud800"}}' }, ["name", "http.json"]],
  ["deep JSON", "CreateProduct", { body: `{"product":${"[".repeat(100_000)}` }, ["", "http.json"]],
  [
    "a text for the message that the path is in",
    "UpdateProduct",
    { path: { "product.product_id": "a" }, body: '"x"' },
    ["product.product_id", "http.json"],
  ],
  ["an unknown parameter", "GetProduct", { query: "x=1" }, ["x", "http.unknown_field"]],
  [
    "a parameter within a scalar",
    "GetProduct",
    { query: "product_id.x=1" },
    ["product_id.x", "http.unknown_field"],
  ],
  ["a parameter twice", "SearchProducts", { query: "query=a&query=b" }, ["query", "http.query"]],
  [
    "a parameter beside a whole body",
    "CreateProduct",
    { query: "request_id=a", body: "{}" },
    ["request_id", "http.query"],
  ],
  [
    "a parameter that the path has",
    "GetProduct",
    { path: { product_id: "a" }, query: "productId=b" },
    ["productId", "http.query"],
  ],
  ["a parameter that is no UTF-8", "SearchProducts", { query: "query=%ff" }, ["", "http.query"]],
  ["a number that is none", "SearchProducts", { query: "pageSize=x" }, ["page_size", "http.json"]],
])("%s is refused by name", (_, rpc, parts, expected) => {
  expect(refusal(rpc, parts)).toEqual(expected);
});
