// A service for tests of the runtime: any methods of any kind under any policy, over messages that are plain strings.
import { readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_wrappers,
  MethodDescriptorProtoSchema,
  MethodOptionsSchema,
  ServiceDescriptorProtoSchema,
  StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import { Compression, Idempotency, MethodPolicy, RateClass } from "#proto/ecommerce/v1/policy.ts";
import { readSchema, type Schema } from "../schema.ts";
import { Code } from "../status.ts";

export const ECHO_SERVICE = "testing.v1.EchoService";

export interface TestMethod {
  readonly requestStream?: boolean;
  readonly responseStream?: boolean;
  /** Overrides of a public, uncached, never compressed, NO_SIDE_EFFECTS method with a deadline of 5 s. */
  readonly policy?: Parameters<typeof MethodPolicy.fromPartial>[0];
}

const POLICY_NUMBER = 50001;
const POLICY_FILES = new Set([
  "google/protobuf/descriptor.proto",
  "google/protobuf/duration.proto",
  "google/rpc/code.proto",
  "ecommerce/v1/policy.proto",
]);

let policyFiles: readonly FileDescriptorProto[] | undefined;

/** The files that define the policy option, out of the contract's image, which takes a while to read. */
function readPolicyFiles(): readonly FileDescriptorProto[] {
  const image = readFileSync(new URL("../../../proto/gen/image.binpb", import.meta.url));
  return fromBinary(FileDescriptorSetSchema, image).file.filter((file) => POLICY_FILES.has(file.name));
}

/** A schema of one service with these methods, keyed by method name. */
export function testSchema(methods: Readonly<Record<string, TestMethod>>): Schema {
  policyFiles ??= readPolicyFiles();
  const service = create(ServiceDescriptorProtoSchema, {
    name: "EchoService",
    method: Object.entries(methods).map(([name, method]) =>
      create(MethodDescriptorProtoSchema, {
        name,
        inputType: ".google.protobuf.StringValue",
        outputType: ".google.protobuf.StringValue",
        clientStreaming: method.requestStream ?? false,
        serverStreaming: method.responseStream ?? false,
        options: methodOptions(method),
      }),
    ),
  });
  const file = create(FileDescriptorProtoSchema, {
    name: "testing/v1/echo.proto",
    package: "testing.v1",
    syntax: "proto3",
    dependency: ["google/protobuf/wrappers.proto", "ecommerce/v1/policy.proto"],
    service: [service],
  });
  const files = [...policyFiles, file_google_protobuf_wrappers.proto, file];
  return readSchema(toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: files })));
}

function methodOptions(method: TestMethod): ReturnType<typeof create<typeof MethodOptionsSchema>> {
  const options = create(MethodOptionsSchema, {});
  const policy = MethodPolicy.fromPartial({
    access: { public: true },
    idempotency: Idempotency.IDEMPOTENCY_NO_SIDE_EFFECTS,
    deadline: { seconds: 5n },
    rate: RateClass.RATE_CLASS_READ,
    compression: Compression.COMPRESSION_NEVER,
    errors: [Code.NOT_FOUND],
    ...method.policy,
  });
  const data = new BinaryWriter().bytes(MethodPolicy.encode(policy).finish()).finish();
  options.$unknown = [{ no: POLICY_NUMBER, wireType: 2, data }];
  return options;
}

/** The codec of a message that is one string. */
export const text = {
  encode(message: string): { finish(): Uint8Array<ArrayBuffer> } {
    return { finish: () => toBinary(StringValueSchema, create(StringValueSchema, { value: message })) };
  },
  decode(bytes: Uint8Array): string {
    return fromBinary(StringValueSchema, bytes).value;
  },
};

/** The service definition that goes with a schema of `testSchema`. */
export function echoDefinition<M extends Readonly<Record<string, TestMethod>>>(
  methods: M,
): {
  fullName: string;
  methods: {
    [K in keyof M & string]: {
      name: K;
      requestType: typeof text;
      responseType: typeof text;
      requestStream: M[K]["requestStream"] extends true ? true : false;
      responseStream: M[K]["responseStream"] extends true ? true : false;
    };
  };
} {
  const entries = Object.entries(methods).map(([name, method]) => [
    name,
    {
      name,
      requestType: text,
      responseType: text,
      requestStream: method.requestStream ?? false,
      responseStream: method.responseStream ?? false,
    },
  ]);
  return { fullName: ECHO_SERVICE, methods: Object.fromEntries(entries) };
}
