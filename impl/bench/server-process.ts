// A server of the chain benchmark, in a process of its own: `node server-process.ts bare|runtime|chain|uncached [link names]`. Tells its
// parent its port, and on request what it has used: CPU, and bytes allocated.
import { GCProfiler, getHeapStatistics } from "node:v8";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { CHAIN_ORDER } from "#impl/middleware/chain.ts";
import type { Link } from "#impl/runtime/handler.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import { implement } from "#impl/runtime/service.ts";
import { ecommerceSchema, startTestServer } from "#impl/runtime/testing/test-server.ts";
import { GetUserRequest, GetUserResponse, UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { createBenchChain } from "./bench-chain.ts";
import { answer, GET_USER } from "./user-answer.ts";

/** `uncached` is the chain over a method that is like the others but may not be cached. */
export type BenchServer = "bare" | "runtime" | "chain" | "uncached";

export interface Usage {
  readonly cpuMicros: number;
  readonly allocatedBytes: number;
}

/** What one would write with grpc-js and ts-proto alone. */
function startBare(): Promise<number> {
  const server = new Server();
  const encode = (message: GetUserResponse): Buffer => Buffer.from(GetUserResponse.encode(message).finish());
  const decode = (bytes: Buffer): GetUserRequest => GetUserRequest.decode(bytes);
  const handle = (
    call: { readonly request: GetUserRequest },
    callback: (error: null, response: GetUserResponse) => void,
  ): void => callback(null, answer(call.request.userId));
  server.register(GET_USER, handle as never, encode, decode, "unary");
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

/** The same methods with the same policies, but nothing may be cached. */
function withoutCaching(schema: Schema): Schema {
  const methods = new Map(
    [...schema.methods].map(([path, method]) => {
      const { cache: _, ...policy } = method.policy;
      return [path, { ...method, policy }];
    }),
  );
  return { ...schema, methods };
}

async function startRuntime(schema: Schema, links: readonly Link[]): Promise<number> {
  const server = await startTestServer({
    schema,
    links,
    services: [implement(UserServiceDefinition, { getUser: async (request) => answer(request.userId) })],
    record: false,
  });
  return server.port;
}

/** `names`: the links that are on, comma separated; all when absent. */
async function start(
  kind: string | undefined,
  names: string | undefined,
): Promise<{ port: number; token?: string }> {
  if (kind === "bare") return { port: await startBare() };
  const schema = kind === "uncached" ? withoutCaching(ecommerceSchema()) : ecommerceSchema();
  if (kind === "runtime") return { port: await startRuntime(schema, []) };
  const { only, token } = await createBenchChain(schema);
  return {
    port: await startRuntime(
      schema,
      only(...CHAIN_ORDER.filter((name) => names === undefined || names.split(",").includes(name))),
    ),
    token,
  };
}

async function main(kind: string | undefined, names: string | undefined): Promise<void> {
  const started = await start(kind, names);
  const profiler = new GCProfiler();
  let allocated = 0;
  let heapAfter = getHeapStatistics().used_heap_size;
  profiler.start();
  process.on("message", () => {
    for (const { beforeGC, afterGC } of profiler.stop()?.statistics ?? []) {
      allocated += beforeGC.heapStatistics.usedHeapSize - heapAfter;
      heapAfter = afterGC.heapStatistics.usedHeapSize;
    }
    const now = getHeapStatistics().used_heap_size;
    allocated += now - heapAfter;
    heapAfter = now;
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMicros: user + system, allocatedBytes: allocated } satisfies Usage);
    profiler.start();
  });
  process.once("disconnect", () => process.exit());
  process.send?.(started);
}

await main(process.argv[2], process.argv[3]);
