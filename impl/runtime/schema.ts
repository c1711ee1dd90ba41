// The contract at run time: the compiled descriptors, and every method with its policy. Knows descriptors, no service.
import {
  createFileRegistry,
  type DescMethod,
  type FileRegistry,
  fromBinary,
  getOption,
  hasOption,
  isMessage,
  toBinary,
} from "@bufbuild/protobuf";
import { type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Method } from "./method.ts";
import { readPolicy } from "./policy.ts";

export interface Schema {
  readonly registry: FileRegistry;
  readonly files: FileDescriptorSet;
  /** Every method of every service in the schema, by its path "/package.Service/Method". */
  readonly methods: ReadonlyMap<string, Method>;
  /** Full names of the services. */
  readonly services: readonly string[];
}

const POLICY_OPTION = "ecommerce.v1.policy";

/** Reads a serialized FileDescriptorSet, as `buf build` writes it. Throws when a method has no valid policy. */
export function readSchema(image: Uint8Array): Schema {
  const files = fromBinary(FileDescriptorSetSchema, image);
  const registry = createFileRegistry(files);
  const methods = new Map<string, Method>();
  const services: string[] = [];
  for (const type of registry) {
    if (type.kind !== "service") continue;
    services.push(type.typeName);
    for (const desc of type.methods) {
      const method = describe(registry, desc);
      methods.set(method.path, method);
    }
  }
  return { registry, files, methods, services };
}

function describe(registry: FileRegistry, desc: DescMethod): Method {
  const path = `/${desc.parent.typeName}/${desc.name}`;
  const policy = readPolicy(path, policyBytes(registry, desc));
  if (policy.cache !== undefined && desc.methodKind !== "unary") {
    throw new Error(`${path}: policy caches a stream; only unary responses are cached`);
  }
  return {
    path,
    service: desc.parent.typeName,
    name: desc.name,
    requestStream: desc.methodKind === "client_streaming" || desc.methodKind === "bidi_streaming",
    responseStream: desc.methodKind === "server_streaming" || desc.methodKind === "bidi_streaming",
    policy,
    input: desc.input,
    output: desc.output,
  };
}

function policyBytes(registry: FileRegistry, desc: DescMethod): Uint8Array | undefined {
  const option = registry.getExtension(POLICY_OPTION);
  if (option?.message === undefined)
    throw new Error(`the schema does not define the option ${POLICY_OPTION}`);
  if (!hasOption(desc, option)) return undefined;
  const value = getOption(desc, option);
  return isMessage(value) ? toBinary(option.message, value) : undefined;
}
