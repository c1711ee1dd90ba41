// The contract as the compiled descriptors tell it: every method with its policy, every field with its rules. Read anew here, so that
// what is expected of the system does not come from the system.

import { readFileSync } from "node:fs";
import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescOneof,
  type FileRegistry,
  fromBinary,
  toJson,
} from "@bufbuild/protobuf";
import {
  FieldOptionsSchema,
  FileDescriptorSetSchema,
  MessageOptionsSchema,
  MethodOptionsSchema,
  OneofOptionsSchema,
} from "@bufbuild/protobuf/wkt";

export interface ContractMethod {
  /** "/pkg.Service/Method". */
  readonly path: string;
  readonly service: string;
  readonly name: string;
  readonly kind: DescMethod["methodKind"];
  readonly input: DescMessage;
  readonly output: DescMessage;
  readonly policy: MethodPolicy;
}

/** As protobuf's JSON has it. */
export interface MethodPolicy {
  readonly access?: {
    readonly public?: boolean;
    readonly authenticated?: boolean;
    readonly permissions?: readonly string[];
    readonly owner?: { readonly resource?: boolean };
  };
  readonly idempotency?: string;
  /** Such as "2s". */
  readonly deadline?: string;
  readonly compression?: string;
  /** Names of status codes. */
  readonly errors?: readonly string[];
}

/** Rules of buf.validate, as protobuf's JSON has them, such as {"string": {"uuid": true}}. */
export type Rules = Readonly<Record<string, unknown>>;

export interface Contract {
  readonly registry: FileRegistry;
  readonly methods: readonly ContractMethod[];
  rulesOf(field: DescField): Rules;
  /** Whether one of the oneof's fields must be set. */
  requires(oneof: DescOneof): boolean;
  hasCel(message: DescMessage): boolean;
}

const PACKAGE = "ecommerce.v1.";
const POLICY = "[ecommerce.v1.policy]";

export function readContract(): Contract {
  const bytes = readFileSync(new URL("../../proto/gen/image.binpb", import.meta.url));
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  const services = [...registry].filter(
    (type) => type.kind === "service" && type.typeName.startsWith(PACKAGE),
  );
  return {
    registry,
    methods: services.flatMap((service) =>
      service.kind === "service" ? service.methods.map((method) => methodOf(registry, method)) : [],
    ),
    rulesOf: (field) =>
      asRecord(optionsOf(registry, FieldOptionsSchema, field.proto.options, "[buf.validate.field]")),
    requires: (oneof) =>
      asRecord(optionsOf(registry, OneofOptionsSchema, oneof.proto.options, "[buf.validate.oneof]"))
        .required === true,
    hasCel: (message) =>
      "cel" in
      asRecord(optionsOf(registry, MessageOptionsSchema, message.proto.options, "[buf.validate.message]")),
  };
}

function methodOf(registry: FileRegistry, method: DescMethod): ContractMethod {
  const service = method.parent.typeName;
  return {
    path: `/${service}/${method.name}`,
    service,
    name: method.name,
    kind: method.methodKind,
    input: method.input,
    output: method.output,
    policy: asRecord(optionsOf(registry, MethodOptionsSchema, method.proto.options, POLICY)) as MethodPolicy,
  };
}

function optionsOf(
  registry: FileRegistry,
  schema: Parameters<typeof toJson>[0],
  options: Parameters<typeof toJson>[1] | undefined,
  name: string,
): unknown {
  if (options === undefined) return undefined;
  return asRecord(toJson(schema, options, { registry }))[name];
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
