// The API over HTTP against a whole system: every method that the contract gives a path answers as it does over gRPC, and as the OpenAPI
// document says.
import { readFileSync } from "node:fs";
import { fromJson, type JsonObject, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, expect, test } from "vitest";
import { httpStatus } from "./runtime/http-code.ts";
import { readHttpRules } from "./runtime/http-rules.ts";
import { newId } from "./runtime/ids.ts";
import { Code, codeName } from "./runtime/status.ts";
import { callBytes, type Outcome } from "./testing/call-bytes.ts";
import { startTestSystem } from "./testing/running-system.ts";

const { system, channel, bearer } = await startTestSystem({ HTTP_PORT: "0" });
const base = `http://${system.http}`;
const { registry, methods } = system.schema;
const USER = newId();
const PERMISSIONS = [...methods.values()].flatMap(({ policy }) =>
  policy.access.kind === "permissions" ? policy.access.permissions : [],
);
const UNARY_MS = 10_000;
/** How long streams are listened to that have nothing to tell. */
const STREAM_MS = 600;

const bindings = [...registry]
  .filter((type) => type.kind === "service")
  .flatMap((service) => service.methods)
  .flatMap((desc) => readHttpRules(registry, desc).map((rule) => ({ desc, rule })));

const document = JSON.parse(readFileSync(new URL("../docs/api/openapi.json", import.meta.url), "utf8"));
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(document, "openapi.json");

let authorization = "";
beforeAll(async () => {
  authorization = (await bearer(USER, PERMISSIONS)).authorization ?? "";
});

/** A path whose fields are all the same id, and the request that it means. */
function pathAndRequest(template: string): { readonly path: string; readonly json: JsonObject } {
  const json: Record<string, JsonValue> = {};
  const path = template.replaceAll(/\{([^}]*)\}/g, (_, field: string) => {
    const value = field.split(".").reduceRight<JsonValue>((inner, name) => ({ [name]: inner }), USER);
    Object.assign(json, value);
    return USER;
  });
  return { path, json };
}

interface Answer {
  readonly status: number;
  readonly json: unknown;
  /** Of google.rpc.Status; of a stream, the first thing that it says. */
  readonly code: Code;
  readonly reason: string;
}

async function overHttp(
  verb: string,
  path: string,
  body: string,
  headers: Record<string, string>,
  deadlineMs: number,
): Promise<Answer> {
  const response = await fetch(`${base}${path}`, {
    method: verb,
    headers: {
      ...headers,
      "grpc-timeout": `${deadlineMs}m`,
      ...(body === "" ? {} : { "content-type": "application/json" }),
    },
    ...(body === "" ? {} : { body: "{}" }),
  });
  const text = await response.text();
  const [line = ""] = text.split("\n", 1);
  const json = line === "" ? {} : JSON.parse(line);
  const error = response.status === 200 ? json.error : json;
  return {
    status: response.status,
    json,
    code: error?.code ?? Code.OK,
    reason: error?.details[0]?.reason ?? "",
  };
}

test.each([
  ["nobody", false],
  ["somebody with every permission", true],
])("every method answers %s over HTTP as it does over gRPC", async (_, known) => {
  const headers: Record<string, string> = known ? { authorization } : {};
  const compared = bindings.map(async ({ desc, rule }) => {
    const { path, json } = pathAndRequest(rule.path);
    const method = methods.get(`/${desc.parent.typeName}/${desc.name}`);
    if (method === undefined) throw new Error(`${desc} is not in the schema`);
    const bytes = toBinary(desc.input, fromJson(desc.input, json));
    const ask = async (deadlineMs: number): Promise<readonly [Outcome, Answer]> => {
      const both = await Promise.all([
        callBytes(channel, method, bytes, headers, { deadlineMs }),
        overHttp(rule.verb, path, rule.body, headers, deadlineMs),
      ]);
      const codes = [both[0].code, codeName(both[1].code)];
      // One was faster than the deadline and the other was not: the machine is busy.
      const tooShort = new Set(codes).size === 2 && codes.includes("DEADLINE_EXCEEDED");
      return tooShort && deadlineMs < UNARY_MS ? ask(4 * deadlineMs) : both;
    };
    const [expected, actual] = await ask(method.responseStream ? STREAM_MS : UNARY_MS);
    const name = `${rule.verb} ${rule.path}`;
    // A client of gRPC that runs out of time hears no reason.
    const reason = expected.code === "DEADLINE_EXCEEDED" ? actual.reason : expected.reason;
    expect([name, codeName(actual.code), actual.reason]).toEqual([name, expected.code, reason]);
    // A stream that was open before it failed says so in its body.
    const open = method.responseStream && actual.status === 200;
    if (!open) expect([name, actual.status]).toEqual([name, httpStatus(actual.code)]);
    checkAgainstDocument(rule.verb, rule.path, actual);
    return actual.status;
  });
  const statuses = new Set(await Promise.all(compared));
  expect(statuses).toContain(known ? 404 : 401);
  expect(statuses).toContain(200);
});

/** The body fits the schema of its status. */
function checkAgainstDocument(
  verb: string,
  template: string,
  actual: { status: number; json: unknown },
): void {
  const path = template.replaceAll(/\{(?:\w+\.)*(\w+)\}/g, "{$1}");
  const { responses } = document.paths[path][verb.toLowerCase()];
  // Of a service that this system lacks.
  const response = responses[actual.status === httpStatus(Code.UNIMPLEMENTED) ? "default" : actual.status];
  expect([path, response?.description]).toEqual([path, expect.any(String)]);
  const schema = response.content["application/json"]?.schema;
  if (schema === undefined) return;
  const validate = ajv.compile({ $ref: `openapi.json${schema.$ref}` });
  expect([path, validate(actual.json), validate.errors]).toEqual([path, true, null]);
}

test("a product is made, changed, found and read over HTTP, and each answer fits the document", async () => {
  const headers = { authorization, "content-type": "application/json" };
  const send = async (verb: string, template: string, id: string, body: JsonObject) => {
    const path = template.replace(/\{.*\}/, id);
    const response = await fetch(`${base}${path}`, { method: verb, headers, body: JSON.stringify(body) });
    const actual = { status: response.status, json: (await response.json()) as Record<string, JsonValue> };
    expect(actual).toMatchObject({ status: 200 });
    checkAgainstDocument(verb, template, actual);
    return actual.json;
  };
  const price = { currencyCode: "GBP", units: "3", nanos: 390_000_000 };
  const made = await send("POST", "/v1/products", "", {
    product: { sku: "LANTERN-1", name: "Lantern", category: "lanterns", price },
  });
  const { productId } = made.product as { productId: string };
  const changed = await send("PATCH", "/v1/products/{product.product_id}", productId, { name: "Light" });
  expect(changed).toMatchObject({ product: { productId, name: "Light", price } });
  const read = await fetch(`${base}/v1/products/${productId}?read_mask=name,price`);
  expect(await read.json()).toEqual({ product: expect.objectContaining({ name: "Light", price }) });
  const found = await send("POST", "/v1/products:search", "", { query: "light", pageSize: 3 });
  expect(found).toMatchObject({ products: [{ productId }] });
});

test("the document is served, its references lead somewhere, and all its schemas compile", async () => {
  expect(await (await fetch(`${base}/openapi.json`)).json()).toEqual(document);
  const names = Object.keys(document.components.schemas);
  const anyOf = names.map((name) => ({ $ref: `openapi.json#/components/schemas/${name}` }));
  expect(ajv.compile({ anyOf })).toBeTypeOf("function");
  const operations = Object.values<Record<string, { operationId: string }>>(document.paths).flatMap((item) =>
    Object.values(item),
  );
  expect(operations.length).toBe(bindings.length);
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(bindings.length);
});
