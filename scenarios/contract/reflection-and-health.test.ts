// Claim: reflection describes exactly the services and files of the contract, and health tells of the server, of each service and of no
// other, to those who ask and to those who watch.
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Client, credentials, type MethodDefinition, type ServiceError } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { service as healthService } from "grpc-health-check";
import { afterAll, expect, test } from "vitest";
import { Code } from "#proto/google/rpc/code.ts";
import { sharedShop } from "../shared-shop.ts";

const { contract, system } = sharedShop;
const client = new Client(`${system.grpc.host}:${system.grpc.port}`, credentials.createInsecure());
afterAll(() => client.close());

const PATIENCE_MS = 5_000;
const services = [...new Set(contract.methods.map(({ service }) => service))].sort();

type Method = MethodDefinition<object, unknown>;
type Answer = Readonly<Record<string, unknown>>;

/** The first answer of a call of any kind, or the status with which it ended. */
function ask(method: Method, request: object): Promise<Answer | number> {
  const { path, requestStream, requestSerialize, responseDeserialize } = method;
  const deadline = Date.now() + PATIENCE_MS;
  const open = () => {
    if (!requestStream) {
      return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, {
        deadline,
      });
    }
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, { deadline });
    stream.write(request);
    return stream;
  };
  const call = open();
  return new Promise((resolve) => {
    call.on("error", ({ code }: ServiceError) => resolve(code));
    call.on("data", (answer: Answer) => {
      resolve(answer);
      call.cancel();
    });
  });
}

/** The definitions of reflection as its own library has them, of both versions. */
function reflectionMethods(): Method[] {
  const found: Method[] = [];
  new ReflectionService({}).addToServer({
    addService: (definition) => found.push(...(Object.values(definition) as Method[])),
  });
  return found;
}

/** Of a file, everything but options of our own, which the library of the server does not know. */
function shape(file: FileDescriptorProto): string {
  return JSON.stringify(toJson(FileDescriptorProtoSchema, file), (key, value) =>
    key === "options" ? undefined : value,
  );
}

test.each(reflectionMethods().map((method) => [method.path, method] as const))("%s", async (_, method) => {
  const { listServicesResponse } = (await ask(method, { listServices: "*" })) as {
    listServicesResponse: { service: { name: string }[] };
  };
  expect(listServicesResponse.service.map(({ name }) => name).sort()).toEqual(services);

  const files = [...contract.registry.files];
  expect(files.length).toBeGreaterThan(services.length);
  const described = files.map(async ({ proto }) => {
    const { fileDescriptorResponse } = (await ask(method, { fileByFilename: proto.name })) as {
      fileDescriptorResponse: { fileDescriptorProto: number[][] };
    };
    const protos = fileDescriptorResponse.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, Uint8Array.from(bytes)),
    );
    return protos.some((one) => one.name === proto.name && shape(one) === shape(proto)) ? [] : [proto.name];
  });
  expect((await Promise.all(described)).flat()).toEqual([]);
  for (const service of services) {
    expect(await ask(method, { fileContainingSymbol: service })).toHaveProperty("fileDescriptorResponse");
  }
  expect(await ask(method, { fileContainingSymbol: "no.such.Service" })).toMatchObject({
    errorResponse: { errorCode: Code.NOT_FOUND },
  });
});

test("health is SERVING for the server and each service, asked and watched", async () => {
  for (const service of ["", ...services]) {
    expect(await ask(healthService.Check as Method, { service }), service).toMatchObject({
      status: "SERVING",
    });
    expect(await ask(healthService.Watch as Method, { service }), service).toMatchObject({
      status: "SERVING",
    });
  }
});

test("of an unknown service health says NOT_FOUND, and SERVICE_UNKNOWN to who watches in case it comes", async () => {
  const service = "no.such.Service";
  expect(await ask(healthService.Check as Method, { service })).toBe(Code.NOT_FOUND);
  expect(await ask(healthService.Watch as Method, { service })).toMatchObject({ status: "SERVICE_UNKNOWN" });
});
