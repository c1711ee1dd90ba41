// The HTTP API as an OpenAPI 3.1 document: every method with a google.api.http option. The same contract gives the same document. Reads no
// file and writes none.

import { httpStatus } from "#impl/runtime/http-code.ts";
import type { HttpRule } from "#impl/runtime/http-rules.ts";
import type {
  Contract,
  ContractField,
  ContractMessage,
  ContractMethod,
  ContractService,
} from "./contract.ts";
import { Code } from "./gen/google/rpc/code.ts";
import {
  componentSchemas,
  fieldSchema,
  isRequired,
  type Json,
  jsonName,
  messageSchema,
  ref,
} from "./openapi-schema.ts";

export function openApi(contract: Contract): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "grpc-ecommerce",
      version: "v1",
      description:
        "JSON over HTTP for the gRPC API in proto/ecommerce/v1, in protobuf's JSON: 64-bit integers are texts, and fields that have their default are left out of responses. Errors are google.rpc.Status. Streams are JSON lines, or server-sent events whose ids resume them.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: contract.services.map(({ name, comment }) => ({ name: shortName(name), description: comment })),
    paths: paths(contract),
    components: {
      schemas: componentSchemas(contract),
      securitySchemes: {
        accessToken: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
      },
    },
  };
}

function paths(contract: Contract): Json {
  const items: Record<string, Json> = {};
  const nameOfShape = new Map<string, string>();
  for (const service of contract.services) {
    for (const method of service.methods) {
      for (const [at, rule] of method.routes.entries()) {
        const path = pathOf(rule.path);
        const shape = path.replaceAll(/\{[^}]*\}/g, "{}");
        const known = nameOfShape.get(shape) ?? path;
        if (known !== path) throw new Error(`${path} and ${known} differ in names of parameters only`);
        nameOfShape.set(shape, path);
        const item = items[path] ?? {};
        item[rule.verb.toLowerCase()] = operation(contract, service, method, rule, at);
        items[path] = item;
      }
    }
  }
  return Object.fromEntries(Object.entries(items).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** A parameter is named by the last part of its field's path: one path has one name for it, whatever message it is in. */
function pathOf(template: string): string {
  return template.replaceAll(/\{(?:[\w]+\.)*(\w+)\}/g, "{$1}");
}

function operation(
  contract: Contract,
  service: ContractService,
  method: ContractMethod,
  rule: HttpRule,
  at: number,
): Json {
  const input = messageOf(contract, method.input);
  const bound = [...rule.path.matchAll(/\{([^}]*)\}/g)].map(([, path = ""]) => path);
  const parameters = [
    ...bound.map((path) => pathParameter(contract, input, path)),
    ...(rule.body === "*" ? [] : queryParameters(contract, input, [...bound, rule.body], "", [])),
  ];
  const body = bodySchema(input, rule.body, bound);
  return {
    operationId: `${shortName(service.name)}_${method.name}${at === 0 ? "" : `_${at + 1}`}`,
    tags: [shortName(service.name)],
    description: method.comment,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: body } } } }),
    responses: { "200": success(method), ...errors(method) },
    security: method.policy?.access?.public === true ? [] : [{ accessToken: [] }, { apiKey: [] }],
  };
}

function bodySchema(input: ContractMessage, body: string, bound: readonly string[]): Json | undefined {
  if (body === "") return undefined;
  if (body !== "*") return fieldSchema(fieldOf(input, body));
  const fields = input.fields.filter(({ name }) => !bound.includes(name));
  return fields.length === input.fields.length ? ref(input.name) : messageSchema(input, false, fields);
}

function pathParameter(contract: Contract, input: ContractMessage, path: string): Json {
  const [name = "", ...rest] = path.split(".");
  const field = fieldOf(input, name);
  if (rest.length > 0) return pathParameter(contract, messageOf(contract, field.type), rest.join("."));
  return { name, in: "path", required: true, schema: fieldSchema(field) };
}

/** Fields of a message in a query string, nested ones by dotted names. Lists of messages, and maps, have no place there. */
function queryParameters(
  contract: Contract,
  message: ContractMessage,
  elsewhere: readonly string[],
  prefix: string,
  within: readonly string[],
): Json[] {
  return message.fields.flatMap((field) => {
    if (elsewhere.includes(`${prefix}${field.name}`) || field.label === "map") return [];
    const nested = contract.messages.get(field.type);
    if (nested === undefined || field.kind !== "message") {
      return field.type === "google.type.Money" ? [] : [queryParameter(prefix, field)];
    }
    if (field.label === "repeated" || within.includes(nested.name)) return [];
    return queryParameters(contract, nested, elsewhere, `${prefix}${field.name}.`, [...within, nested.name]);
  });
}

function queryParameter(prefix: string, field: ContractField): Json {
  return {
    name: jsonName(`${prefix}${field.name}`),
    in: "query",
    // Of a message that may be left out, no field is required.
    required: prefix === "" && isRequired(field),
    schema: fieldSchema(field),
  };
}

function success(method: ContractMethod): Json {
  const message = ref(method.output);
  if (method.kind === "unary") {
    return { description: "The response.", content: { "application/json": { schema: message } } };
  }
  const line = {
    type: "object",
    properties: { result: message, error: ref("google.rpc.Status"), resumeToken: { type: "string" } },
    description: "A message, or, as the last line, why the stream has ended early and where it can go on.",
  };
  return {
    description: "The messages as they come.",
    content: {
      "application/x-ndjson": { schema: line },
      "text/event-stream": { schema: { type: "string", description: "The last event is named status." } },
    },
  };
}

const ALWAYS_POSSIBLE: readonly Code[] = [
  Code.INVALID_ARGUMENT,
  Code.UNAUTHENTICATED,
  Code.PERMISSION_DENIED,
  Code.RESOURCE_EXHAUSTED,
  Code.INTERNAL,
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
];

/** By HTTP status, in which several codes may meet. */
function errors(method: ContractMethod): Json {
  const names = new Map<number, string[]>();
  for (const code of [...ALWAYS_POSSIBLE, ...(method.policy?.errors ?? [])]) {
    const name = Object.entries(Code).find(([, value]) => value === code)?.[0] ?? String(code);
    names.set(httpStatus(code), [...(names.get(httpStatus(code)) ?? []), name]);
  }
  const described = [...names].map(([status, codes]) => [status, errorResponse(codes.join(", "))]);
  return Object.fromEntries([...described, ["default", errorResponse("Any other error.")]]);
}

function errorResponse(description: string): Json {
  return { description, content: { "application/json": { schema: ref("google.rpc.Status") } } };
}

function messageOf(contract: Contract, name: string): ContractMessage {
  const message = contract.messages.get(name);
  if (message === undefined) throw new Error(`the contract has no message ${name}`);
  return message;
}

function fieldOf(message: ContractMessage, name: string): ContractField {
  const field = message.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new Error(`${message.name} has no field ${name}`);
  return field;
}

function shortName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf(".") + 1);
}
