// grpc.reflection.v1 and v1alpha from the descriptors that the server itself runs on.
import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { ReflectionService } from "@grpc/reflection";
import type { ServiceHost } from "./health.ts";
import type { Schema } from "./schema.ts";

/** Lists the services of the schema; the schema's dependencies are described, not listed. */
export function addReflection(server: ServiceHost, schema: Schema): void {
  const fileDescriptorProtos = schema.files.file.map((file) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, file)),
  );
  // The library reads a proto-loader package, of which it uses this one member.
  const described = { schema: { format: "schema", type: {}, fileDescriptorProtos } };
  const service = new ReflectionService(described as never, { services: [...schema.services] });
  service.addToServer({ addService: (definition, handlers) => server.addService(definition, handlers) });
}
