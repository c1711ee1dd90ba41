// A gRPC server with a few methods of the shop's contract, whose answers a test knows.

import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
} from "@grpc/grpc-js";
import { ImportProductsRequest, ImportProductsResponse } from "#proto/ecommerce/v1/product_service.ts";
import { ChatWithSupportRequest, ChatWithSupportResponse } from "#proto/ecommerce/v1/support.ts";
import {
  GetUserRequest,
  GetUserResponse,
  ListUsersRequest,
  ListUsersResponse,
  User,
} from "#proto/ecommerce/v1/user.ts";

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

function method<I, O>(
  path: string,
  input: Codec<I>,
  output: Codec<O>,
  requestStream = false,
  responseStream = false,
) {
  return {
    path: `/ecommerce.v1.${path}`,
    requestStream,
    responseStream,
    requestSerialize: (message: I) => Buffer.from(input.encode(message).finish()),
    requestDeserialize: (bytes: Buffer) => input.decode(bytes),
    responseSerialize: (message: O) => Buffer.from(output.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => output.decode(bytes),
  };
}

const definition = {
  getUser: method("UserService/GetUser", GetUserRequest, GetUserResponse),
  listUsers: method("UserService/ListUsers", ListUsersRequest, ListUsersResponse, false, true),
  importProducts: method(
    "ProductService/ImportProducts",
    ImportProductsRequest,
    ImportProductsResponse,
    true,
  ),
  chat: method("SupportService/ChatWithSupport", ChatWithSupportRequest, ChatWithSupportResponse, true, true),
} satisfies ServiceDefinition;

/** "ann" is there, "sleeper" never answers, others are not found. */
const getUser: handleUnaryCall<GetUserRequest, GetUserResponse> = (call, reply) => {
  const { request, metadata } = call;
  if (request.userId === "sleeper") return;
  if (request.userId !== "ann") {
    reply({ code: status.NOT_FOUND, details: "no such user" });
    return;
  }
  const [raw] = metadata.get("x-raw-bin");
  const headers = new Metadata();
  if (raw instanceof Buffer) headers.set("x-seen", `${String(metadata.get("x-name")[0])},${raw.length}`);
  call.sendMetadata(headers);
  reply(null, GetUserResponse.create({ user: User.create({ email: "ann@example.com" }) }));
};

/** Three messages, or PERMISSION_DENIED with a page size. */
const listUsers: handleServerStreamingCall<ListUsersRequest, ListUsersResponse> = (call) => {
  if (call.request.pageSize > 0) {
    call.emit("error", { code: status.PERMISSION_DENIED, details: "no" });
    return;
  }
  for (let i = 0; i < 3; i++) call.write(ListUsersResponse.create());
  call.end();
};

/** Counts. */
const importProducts: handleClientStreamingCall<ImportProductsRequest, ImportProductsResponse> = (
  call,
  reply,
) => {
  let count = 0n;
  call.on("data", () => {
    count++;
  });
  call.on("end", () => reply(null, ImportProductsResponse.create({ createdCount: count })));
};

/** Answers each message with its number. */
const chat: handleBidiStreamingCall<ChatWithSupportRequest, ChatWithSupportResponse> = (call) => {
  let count = 0;
  call.on("data", () => call.write(ChatWithSupportResponse.create({ roomId: String(++count) })));
  call.on("end", () => call.end());
};

export interface EchoShop extends AsyncDisposable {
  readonly address: string;
}

export async function startEchoShop(): Promise<EchoShop> {
  const server = new Server();
  server.addService(definition, { getUser, listUsers, importProducts, chat });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  );
  return {
    address: `127.0.0.1:${await promise}`,
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}
