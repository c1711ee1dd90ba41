// JSON Schemas of messages and enums as protobuf JSON has them: 64-bit integers are texts, enums their names, and what has its default is left
// out of a response; so members are required only in messages that are never part of one.
import { type Contract, type ContractField, type ContractMessage, isObject, type Rules } from "./contract.ts";

export type Json = { [name: string]: unknown };

/** Messages whose JSON protobuf defines, and those of other packages. */
const KNOWN: Readonly<Record<string, Json>> = {
  "google.protobuf.Timestamp": { type: "string", format: "date-time" },
  "google.protobuf.Duration": {
    type: "string",
    pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$",
    description: 'Seconds, such as "1.5s".',
  },
  "google.protobuf.FieldMask": {
    type: "string",
    description: "Paths of fields in camel case, comma separated.",
  },
  "google.type.Money": {
    type: "object",
    properties: {
      currencyCode: { type: "string", description: "Three letters, ISO 4217." },
      units: { type: "string", format: "int64", pattern: "^-?[0-9]+$" },
      nanos: { type: "integer", description: "Billionths of a unit, of the same sign." },
    },
  },
  "google.rpc.Status": {
    type: "object",
    properties: {
      code: { type: "integer", description: "A code of gRPC." },
      message: { type: "string" },
      details: {
        type: "array",
        items: {
          type: "object",
          properties: { "@type": { type: "string" } },
          required: ["@type"],
        },
        description: "One google.rpc.ErrorInfo with a stable reason, and what else is known, by @type.",
      },
    },
  },
  "google.rpc.Code": { type: "string", description: "The name of a code of gRPC." },
};

/** As protobuf JSON spells the name of a field. */
export function jsonName(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

export function ref(type: string): Json {
  return { $ref: `#/components/schemas/${type}` };
}

/** The schemas of everything that the methods take and give, by full name. */
export function componentSchemas(contract: Contract): Json {
  const given = reachable(
    contract,
    contract.services.flatMap(({ methods }) => methods.map(({ output }) => output)),
  );
  const used = reachable(
    contract,
    contract.services.flatMap(({ methods }) => methods.flatMap(({ input, output }) => [input, output])),
  );
  used.add("google.rpc.Status");
  return Object.fromEntries(
    [...used].toSorted().map((name) => [name, KNOWN[name] ?? declared(contract, name, given.has(name))]),
  );
}

function declared(contract: Contract, name: string, given: boolean): Json {
  const message = contract.messages.get(name);
  if (message !== undefined) return messageSchema(message, given);
  const values = contract.enums.get(name)?.values;
  if (values === undefined) throw new Error(`${name} has no JSON schema`);
  return described(
    [contract.enums.get(name)?.comment, ...values.map((value) => `${value.name}: ${value.comment}`)].join(
      "\n",
    ),
    { type: "string", enum: values.map((value) => value.name) },
  );
}

/** `fields`: those that the schema has; all by default. */
export function messageSchema(
  message: ContractMessage,
  given: boolean,
  fields: readonly ContractField[] = message.fields,
): Json {
  const required = given ? [] : fields.filter(isRequired).map(({ name }) => jsonName(name));
  return described(message.comment, {
    type: "object",
    properties: Object.fromEntries(fields.map((field) => [jsonName(field.name), fieldSchema(field)])),
    ...(required.length === 0 ? {} : { required }),
    // What takes a message refuses members that it does not know; what gives one may give more in time.
    ...(given ? {} : { additionalProperties: false }),
  });
}

export function isRequired({ rules }: ContractField): boolean {
  return rules.required === true;
}

export function fieldSchema(field: ContractField): Json {
  return described(field.comment, labelled(field));
}

function labelled(field: ContractField): Json {
  const { repeated, map } = field.rules;
  if (field.label === "map") {
    const { minPairs, maxPairs, values } = rulesIn(map);
    return {
      type: "object",
      additionalProperties: typeSchema(field, rulesIn(values)),
      ...bounds({ minProperties: minPairs, maxProperties: maxPairs }),
    };
  }
  if (field.label === "repeated") {
    const { minItems, maxItems, unique, items } = rulesIn(repeated);
    return {
      type: "array",
      items: typeSchema(field, rulesIn(items)),
      ...bounds({ minItems, maxItems }),
      ...(unique === true ? { uniqueItems: true } : {}),
    };
  }
  return typeSchema(field, field.rules);
}

function typeSchema({ kind, type }: ContractField, rules: Rules): Json {
  if (kind !== "scalar") return ref(type);
  const own = rulesIn(rules[type]);
  switch (type) {
    case "bool":
      return { type: "boolean" };
    case "bytes":
      return { type: "string", contentEncoding: "base64" };
    case "string":
      return stringSchema(own);
    case "float":
    case "double":
      return { anyOf: [{ type: "number" }, { enum: ["NaN", "Infinity", "-Infinity"] }] };
    default:
      return type.endsWith("64")
        ? { type: "string", format: type, pattern: "^-?[0-9]+$" }
        : {
            type: "integer",
            format: type,
            ...bounds({
              minimum: own.gte,
              maximum: own.lte,
              exclusiveMinimum: own.gt,
              exclusiveMaximum: own.lt,
            }),
          };
  }
}

const FORMATS = ["uuid", "email", "uri", "hostname", "ipv4", "ipv6"];

function stringSchema(rules: Rules): Json {
  const format = FORMATS.find((name) => rules[name] === true);
  return {
    type: "string",
    ...(format === undefined ? {} : { format }),
    ...(Array.isArray(rules.in) ? { enum: rules.in } : {}),
    ...bounds({ minLength: rules.len ?? rules.minLen, maxLength: rules.len ?? rules.maxLen }),
    ...(typeof rules.pattern === "string" && isEcmaPattern(rules.pattern) ? { pattern: rules.pattern } : {}),
  };
}

/** Rules are in RE2's syntax, schemas in that of ECMAScript. */
function isEcmaPattern(pattern: string): boolean {
  try {
    new RegExp(pattern, "u");
    return true;
  } catch {
    return false;
  }
}

/** Those that are given, as numbers: 64-bit ones are texts in the JSON of rules. */
function bounds(values: Json): Json {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, Number(value)]),
  );
}

function described(comment: string, schema: Json): Json {
  return comment.trim() === "" ? schema : { ...schema, description: comment };
}

function rulesIn(value: Rules[string] | undefined): Rules {
  return isObject(value) ? value : {};
}

/** The messages and enums that these are made of, themselves among them. */
function reachable(contract: Contract, roots: readonly string[]): Set<string> {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const field of contract.messages.get(name)?.fields ?? []) {
      if (field.kind !== "scalar") visit(field.type);
    }
  };
  for (const root of roots) visit(root);
  return found;
}
