import { expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import { recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { registryFixture } from "#impl/services/registry/testing/registry-fixture.ts";
import { Instance, InstanceState } from "#proto/ecommerce/v1/registry.ts";
import { createRegistryDirectory } from "./registry-discovery.ts";

const { client } = await registryFixture();
const { INSTANCE_STATE_SERVING: serving, INSTANCE_STATE_DRAINING: draining } = InstanceState;
const [A, B] = ["testing.v1.A", "testing.v1.B"];

const register = (instanceId: string, more: Partial<Instance> = {}) =>
  client.registerInstance({
    instance: Instance.fromPartial({
      instanceId,
      services: [A],
      host: "10.0.0.1",
      port: 1,
      state: serving,
      ...more,
    }),
    lease: undefined,
  });

test("a service is where its serving instances are, and told again as they come, change and go", async () => {
  const directory = createRegistryDirectory({ client, clock: systemClock, log: recordingLogger([]) });
  const stop = new AbortController();
  await register("one", { weight: 50, zone: "a" });
  const told = directory.of(A).watch(stop.signal)[Symbol.asyncIterator]();
  const first = told.next();
  await directory.start();
  const one = { address: "10.0.0.1:1", weight: 0.5, zone: "a" };
  const two = { address: "[::1]:2", weight: 1, zone: "" };
  expect((await first).value).toEqual([one]);
  // Nothing of these is told: another service, and a state in which nothing is called.
  await register("other", { services: [B], port: 9 });
  await register("starting", { port: 8, state: InstanceState.INSTANCE_STATE_STARTING });
  await register("two", { host: "::1", port: 2 });
  expect((await told.next()).value).toEqual([one, two]);
  await client.heartbeat({ instanceId: "one", state: draining });
  expect((await told.next()).value).toEqual([two]);
  await register("two", { host: "::1", port: 2, services: [B] });
  expect((await told.next()).value).toEqual([]);
  expect(await directory.of(B).resolve(stop.signal)).toHaveLength(2);
  await client.deregisterInstance({ instanceId: "other" });
  const ended = told.next();
  stop.abort();
  expect((await ended).done).toBe(true);
  await directory.stop();
});
