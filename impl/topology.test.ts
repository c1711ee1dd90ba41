import { once } from "node:events";
import { Client, credentials } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { ProductServiceDefinition, SearchProductsRequest } from "#proto/ecommerce/v1/product_service.ts";
import { RegistryServiceDefinition } from "#proto/ecommerce/v1/registry.ts";
import { UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { serviceIdentity } from "./auth/service-identity.ts";
import { createClient } from "./client/client.ts";
import { readConfig } from "./config.ts";
import { openSigningKeys } from "./open-keys.ts";
import { systemClock } from "./runtime/clock.ts";
import { newId } from "./runtime/ids.ts";
import { Code } from "./runtime/status.ts";
import { ecommerceSchema, recordingLogger } from "./runtime/testing/test-server.ts";
import { splitSystem } from "./testing/split-system.ts";

const { start, dataDir } = await splitSystem();

test("a service in a process of its own is found by the gateway's registry, called through it, and gone when it stops", async () => {
  const gateway = await start({ GATEWAY: "1", SERVICES: "registry" });
  const product = await start({ SERVICES: "product", REGISTRY_ADDRESS: gateway.grpc });
  const { service } = await openSigningKeys(readConfig({ DATA_DIR: dataDir }));
  const identity = await serviceIdentity({
    key: service.signing,
    name: "service:test",
    clock: systemClock,
    log: recordingLogger([]),
  });
  const channel = new Client(gateway.grpc, credentials.createInsecure(), {
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

  expect(await product.end("SIGTERM")).toEqual([0, null]);
  expect(await registered()).toEqual([]);
  await expect.poll(() => search(newId()), { timeout: 5_000 }).toBe(Code.UNAVAILABLE);

  channel.close();
  await identity.stop();
  // As when its supervisor dies.
  const exited = once(gateway.child, "exit");
  gateway.child.stdin?.end();
  expect(await exited).toEqual([0, null]);
}, 60_000);
