import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, expect, test } from "vitest";
import { ProductServiceDefinition, SearchProductsRequest } from "#proto/ecommerce/v1/product_service.ts";
import { RegistryServiceDefinition } from "#proto/ecommerce/v1/registry.ts";
import { UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { serviceIdentity } from "./auth/service-identity.ts";
import { createClient } from "./client/client.ts";
import { environmentWith, readConfig } from "./config.ts";
import { openSigningKeys } from "./open-keys.ts";
import { systemClock } from "./runtime/clock.ts";
import { newId } from "./runtime/ids.ts";
import { Code } from "./runtime/status.ts";
import { ecommerceSchema, recordingLogger } from "./runtime/testing/test-server.ts";
import { testDatabase } from "./storage/testing/test-database.ts";

const database = await testDatabase();
const dataDir = await mkdtemp(join(tmpdir(), "topology-"));
const children = new Set<ChildProcess>();
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(dataDir, { recursive: true, force: true });
});

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

/** A process of the system; resolves when it serves. */
async function start(settings: Parameters<typeof environmentWith>[0]) {
  const env = environmentWith({
    DATABASE_URL: database.url,
    DATABASE_CONNECTIONS: "3",
    DATA_DIR: dataDir,
    GRPC_PORT: "0",
    ADMIN_PORT: "0",
    LOG_LEVEL: "silent",
    SUPERVISED: "1",
    ...settings,
  });
  const child = spawn(process.execPath, [MAIN], { env, stdio: ["pipe", "pipe", "inherit"] });
  children.add(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const [, address] = /^ready grpc=(\S+)/.exec(line) ?? [];
    if (address !== undefined) return { child, address };
  }
  throw new Error("the process ended before it served");
}

async function ended(child: ChildProcess): Promise<void> {
  expect(await once(child, "exit")).toEqual([0, null]);
  children.delete(child);
}

test("a service in a process of its own is found by the gateway's registry, called through it, and gone when it stops", async () => {
  const gateway = await start({ GATEWAY: "1", SERVICES: "registry" });
  const product = await start({ SERVICES: "product", REGISTRY_ADDRESS: gateway.address });
  const { service } = await openSigningKeys(readConfig({ DATA_DIR: dataDir }));
  const identity = await serviceIdentity({
    key: service.signing,
    name: "service:test",
    clock: systemClock,
    log: recordingLogger([]),
  });
  const channel = new Client(gateway.address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  const context = { channel, schema: ecommerceSchema(), clock: systemClock, metadata: identity.metadata };
  const products = createClient(ProductServiceDefinition, context);
  const users = createClient(UserServiceDefinition, context);
  const registry = createClient(RegistryServiceDefinition, context);
  const search = (query: string) =>
    products.searchProducts(SearchProductsRequest.fromPartial({ query })).then(
      ({ products: found }) => found.length,
      ({ code }: { code: Code }) => code,
    );
  const registered = async () => {
    const service = ProductServiceDefinition.fullName;
    return (await registry.listInstances({ service, pageSize: 0, pageToken: "" })).instances;
  };

  // Not yet connected to at first.
  await expect.poll(() => search(newId()), { timeout: 5_000 }).toBe(0);
  expect(await registered()).toMatchObject([
    { host: "127.0.0.1", services: [ProductServiceDefinition.fullName] },
  ]);
  await expect(users.getUser({ userId: newId(), readMask: undefined })).rejects.toMatchObject({
    code: Code.UNAVAILABLE,
    reason: "BACKEND_UNAVAILABLE",
  });

  product.child.kill("SIGTERM");
  await ended(product.child);
  expect(await registered()).toEqual([]);
  await expect.poll(() => search(newId()), { timeout: 5_000 }).toBe(Code.UNAVAILABLE);

  channel.close();
  await identity.stop();
  // As when its supervisor dies.
  gateway.child.stdin?.end();
  await ended(gateway.child);
}, 60_000);
