// The contract as plain data: what the policy check and the API documentation read. Knows the options of policy.proto,
// buf.validate and google.api.http; judges nothing.
import {
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  fromBinary,
  getOption,
  hasOption,
  isMessage,
  type JsonValue,
  ScalarType,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type HttpRule, readHttpRules } from "#impl/runtime/http-rules.ts";
import { readComments } from "./comments.ts";
import { MethodPolicy, Sensitivity } from "./gen/ecommerce/v1/policy.ts";

/** Options of buf.validate as JSON: `{ string: { uuid: true } }`. */
export type Rules = { readonly [name: string]: JsonValue };

export interface ContractField {
  readonly name: string;
  readonly number: number;
  readonly comment: string;
  /** "string", "bytes", "int64" ..., or the full name of a message or enum; of the elements, or of the values of a map. */
  readonly type: string;
  readonly kind: "scalar" | "enum" | "message";
  readonly label: "singular" | "optional" | "repeated" | "map";
  readonly oneof?: string;
  readonly rules: Rules;
  readonly sensitivity: Sensitivity;
}

export interface ContractMessage {
  readonly file: string;
  readonly name: string;
  readonly comment: string;
  readonly fields: readonly ContractField[];
  readonly oneofs: readonly { readonly name: string; readonly comment: string }[];
  readonly rules: Rules;
}

export interface ContractEnum {
  readonly file: string;
  readonly name: string;
  readonly comment: string;
  readonly values: readonly { readonly name: string; readonly number: number; readonly comment: string }[];
}

export interface ContractMethod {
  readonly name: string;
  readonly comment: string;
  readonly kind: DescMethod["methodKind"];
  readonly input: string;
  readonly output: string;
  readonly policy?: MethodPolicy;
  readonly routes: readonly HttpRule[];
}

export interface ContractService {
  readonly file: string;
  readonly name: string;
  readonly comment: string;
  readonly methods: readonly ContractMethod[];
}

export interface Contract {
  readonly services: readonly ContractService[];
  readonly messages: ReadonlyMap<string, ContractMessage>;
  readonly enums: ReadonlyMap<string, ContractEnum>;
}

/** Reads a serialized FileDescriptorSet; of it, the files of one package. Comments are "" when it has no source info. */
export function readContract(image: Uint8Array, packageName = "ecommerce.v1"): Contract {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  const files = [...registry.files].filter((file) => file.proto.package === packageName);
  const read = files.toSorted((a, b) => a.name.localeCompare(b.name)).map((file) => readFile(registry, file));
  return {
    services: read.flatMap((file) => file.services),
    messages: new Map(read.flatMap((file) => file.messages.map((message) => [message.name, message]))),
    enums: new Map(read.flatMap((file) => file.enums.map((type) => [type.name, type]))),
  };
}

interface FileContents {
  readonly services: readonly ContractService[];
  readonly messages: readonly ContractMessage[];
  readonly enums: readonly ContractEnum[];
}

function readFile(registry: FileRegistry, desc: DescFile): FileContents {
  const comment = readComments(desc);
  const file = `${desc.name}.proto`;
  return {
    services: desc.services.map((service) => ({
      file,
      name: service.typeName,
      comment: comment(service),
      methods: service.methods.map((method) => ({
        ...readMethod(registry, method),
        comment: comment(method),
      })),
    })),
    messages: desc.messages.map((message) => ({
      file,
      name: message.typeName,
      comment: comment(message),
      fields: message.fields.map((field) => ({ ...readField(registry, field), comment: comment(field) })),
      oneofs: message.oneofs.map((oneof) => ({ name: oneof.name, comment: comment(oneof) })),
      rules: readRules(registry, message, "buf.validate.message"),
    })),
    enums: desc.enums.map((type) => readEnum(type, file, comment)),
  };
}

function readEnum(type: DescEnum, file: string, comment: ReturnType<typeof readComments>): ContractEnum {
  return {
    file,
    name: type.typeName,
    comment: comment(type),
    values: type.values.map((value) => ({ name: value.name, number: value.number, comment: comment(value) })),
  };
}

function readMethod(registry: FileRegistry, desc: DescMethod): Omit<ContractMethod, "comment"> {
  const policy = optionBytes(registry, desc, "ecommerce.v1.policy");
  return {
    name: desc.name,
    kind: desc.methodKind,
    input: desc.input.typeName,
    output: desc.output.typeName,
    ...(policy === undefined ? {} : { policy: MethodPolicy.decode(policy) }),
    routes: readHttpRules(registry, desc),
  };
}

function readField(registry: FileRegistry, desc: DescField): Omit<ContractField, "comment"> {
  const sensitivity = registry.getExtension("ecommerce.v1.sensitivity");
  return {
    name: desc.name,
    number: desc.number,
    ...fieldType(desc),
    ...(desc.oneof === undefined ? {} : { oneof: desc.oneof.name }),
    rules: readRules(registry, desc, "buf.validate.field"),
    sensitivity:
      sensitivity !== undefined && hasOption(desc, sensitivity)
        ? sensitivityOf(Number(getOption(desc, sensitivity)))
        : Sensitivity.SENSITIVITY_UNSPECIFIED,
  };
}

function sensitivityOf(value: number): Sensitivity {
  const known = Object.values(Sensitivity).find((candidate) => candidate === value);
  if (known === undefined) throw new Error(`unknown sensitivity ${value}`);
  return known;
}

function fieldType(desc: DescField): Pick<ContractField, "type" | "kind" | "label"> {
  const label =
    desc.fieldKind === "list"
      ? "repeated"
      : desc.fieldKind === "map"
        ? "map"
        : desc.proto.proto3Optional
          ? "optional"
          : "singular";
  if (desc.message !== undefined) return { type: desc.message.typeName, kind: "message", label };
  if (desc.enum !== undefined) return { type: desc.enum.typeName, kind: "enum", label };
  if (desc.scalar === undefined) throw new Error("a field is a message, an enum or a scalar");
  return { type: ScalarType[desc.scalar].toLowerCase(), kind: "scalar", label };
}

function readRules(registry: FileRegistry, desc: DescField | DescMessage, name: string): Rules {
  const option = registry.getExtension(name);
  if (option?.message === undefined || !hasOption(desc, option)) return {};
  const value = getOption(desc, option);
  if (!isMessage(value)) throw new Error(`${name} is not a message`);
  const json = toJson(option.message, value, { registry });
  return isObject(json) ? json : {};
}

function optionBytes(registry: FileRegistry, desc: DescMethod, name: string): Uint8Array | undefined {
  const option = registry.getExtension(name);
  if (option?.message === undefined || !hasOption(desc, option)) return undefined;
  const value = getOption(desc, option);
  return isMessage(value) ? toBinary(option.message, value) : undefined;
}

/** Narrows JSON to an object. */
export function isObject(value: JsonValue | undefined): value is { [name: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
