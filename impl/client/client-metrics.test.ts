import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { unavailable } from "#impl/runtime/rpc-error.ts";
import { addClientMetrics } from "./client-metrics.ts";
import { allReady, startServers } from "./testing/client-fixture.ts";

test("metrics show connections, health and breakers of every endpoint", async () => {
  await using shop = await startServers(1, { unary: {} }, () => ({
    unary: () => {
      throw unavailable("BROKEN", "broken");
    },
  }));
  const { client, echo } = shop.connect({ retry: false, breaker: { failures: 1 } });
  await allReady(client);
  await expect(echo.unary("")).rejects.toMatchObject({ reason: "BROKEN" });
  const registry = new Registry();
  addClientMetrics(registry, () => client.stats());
  const lines = (await registry.metrics()).split("\n");
  const [address] = shop.addresses;
  for (const line of [
    `grpc_client_connections{endpoint="${address}",state="ready"} 1`,
    `grpc_client_connections{endpoint="${address}",state="failed"} 0`,
    `grpc_client_attempts_in_flight{endpoint="${address}"} 0`,
    `grpc_client_endpoint_healthy{endpoint="${address}"} 1`,
    `grpc_client_endpoint_ejected{endpoint="${address}"} 0`,
    `grpc_client_breaker_state{endpoint="${address}",group="testing.v1.EchoService"} 2`,
  ]) {
    expect(lines).toContain(line);
  }
});
