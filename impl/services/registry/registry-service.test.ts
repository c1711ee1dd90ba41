import { afterEach, describe, expect, test } from "vitest";
import { Code } from "#impl/runtime/status.ts";
import {
  Instance,
  InstanceEventKind,
  InstanceState,
  type WatchInstancesResponse,
} from "#proto/ecommerce/v1/registry.ts";
import { registryFixture } from "./testing/registry-fixture.ts";

const { client, store, clock, another } = await registryFixture();
const other = await another();
const { INSTANCE_STATE_SERVING: serving, INSTANCE_STATE_DRAINING: draining } = InstanceState;
const {
  INSTANCE_EVENT_KIND_SNAPSHOT: snapshot,
  INSTANCE_EVENT_KIND_ADDED: added,
  INSTANCE_EVENT_KIND_CHANGED: changed,
  INSTANCE_EVENT_KIND_REMOVED: removed,
} = InstanceEventKind;

let stop = new AbortController();
let made = 0;
afterEach(() => {
  stop.abort();
  stop = new AbortController();
});

/** A service of which no other test knows. */
const newService = (): string => `testing.v1.Service${++made}`;

const instance = (service: string, more: Partial<Instance> = {}): Instance =>
  Instance.fromPartial({
    instanceId: `instance-${++made}`,
    services: [service],
    host: "10.0.0.1",
    port: 50_051,
    state: serving,
    ...more,
  });

const register = (given: Instance, leaseSeconds = 30, by = client) =>
  by.registerInstance({ instance: given, lease: { seconds: BigInt(leaseSeconds), nanos: 0 } });

const list = async (service: string, by = client): Promise<readonly string[]> =>
  (await by.listInstances({ service, pageSize: 0, pageToken: "" })).instances.map((one) => one.instanceId);

const idle = () => new AbortController().signal;

describe("an instance", () => {
  test("is known to every process from its registration on, with its lease", async () => {
    const service = newService();
    const given = instance(service, { zone: "a", version: "1.2", labels: { b: "2", a: "1" } });
    const { instance: known, heartbeatInterval } = await register(given);
    const expireTime = new Date(clock.now() + 30_000);
    expect(known).toEqual({ ...given, weight: 100, expireTime });
    expect(heartbeatInterval).toEqual({ seconds: 10n, nanos: 0 });
    const { instances } = await other.client.listInstances({ service, pageSize: 0, pageToken: "" });
    expect(instances).toEqual([known]);
  });

  test("has a lease of 15 s when it asks for none", async () => {
    const { heartbeatInterval } = await client.registerInstance({
      instance: instance(newService()),
      lease: undefined,
    });
    expect(heartbeatInterval).toEqual({ seconds: 5n, nanos: 0 });
  });

  test("stays while it sends heartbeats, to any process, and is forgotten without", async () => {
    const service = newService();
    const { instanceId } = (await register(instance(service), 10)).instance ?? Instance.create();
    clock.advance(9_000);
    const { expireTime } = await other.client.heartbeat({ instanceId, state: serving });
    expect(expireTime).toEqual(new Date(clock.now() + 10_000));
    clock.advance(9_999);
    await store.expireDue(100, idle());
    expect(await list(service)).toEqual([instanceId]);
    clock.advance(1);
    expect(await list(service)).toEqual([]);
    await expect(client.heartbeat({ instanceId, state: serving })).rejects.toMatchObject({
      code: Code.NOT_FOUND,
    });
  });

  test("that deregisters is gone, and may do so again", async () => {
    const service = newService();
    const { instanceId } = (await register(instance(service))).instance ?? Instance.create();
    await client.deregisterInstance({ instanceId });
    await client.deregisterInstance({ instanceId });
    expect(await list(service)).toEqual([]);
  });

  test("that registers again replaces what was known", async () => {
    const [before, after] = [newService(), newService()];
    const given = instance(before);
    await register(given);
    await register({ ...given, services: [after], port: 1 });
    expect([await list(before), await list(after)]).toEqual([[], [given.instanceId]]);
  });

  test("that breaks a rule is refused", async () => {
    const bad = instance("not a service", { port: 0 });
    await expect(register(bad)).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
    await expect(client.listInstances({ service: "a\0b", pageSize: 0, pageToken: "" })).rejects.toMatchObject(
      {
        code: Code.INVALID_ARGUMENT,
      },
    );
  });
});

test("instances are listed by id, a page at a time", async () => {
  const service = newService();
  const given = ["c", "a", "b", "e", "d"].map((name) =>
    instance(service, { instanceId: `${service}-${name}` }),
  );
  await Promise.all(given.map((one) => register(one)));
  const names: string[] = [];
  let pageToken = "";
  do {
    const page = await client.listInstances({ service, pageSize: 2, pageToken });
    names.push(...page.instances.map(({ instanceId }) => instanceId.slice(service.length + 1)));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(names).toEqual(["a", "b", "c", "d", "e"]);
});

test("processes that sweep at once forget each instance once", async () => {
  const service = newService();
  await Promise.all(Array.from({ length: 12 }, () => register(instance(service), 5)));
  clock.advance(5_000);
  const counts = await Promise.all(
    [store, other.store, store, other.store].map((each) => each.expireDue(5, idle())),
  );
  let total = counts.reduce((sum, count) => sum + count, 0);
  for (let more = 1; more > 0; total += more) more = await store.expireDue(5, idle());
  expect(total).toBeGreaterThanOrEqual(12);
  expect(await list(service)).toEqual([]);
});

describe("WatchInstances", () => {
  const watch = (services: readonly string[], resumeToken = "", by = client) => {
    const request = { services: [...services], resumeToken };
    const messages = by.watchInstances(request, { signal: stop.signal })[Symbol.asyncIterator]();
    return async (count: number): Promise<readonly WatchInstancesResponse[]> => {
      const taken: WatchInstancesResponse[] = [];
      while (taken.length < count) {
        const { done, value } = await messages.next();
        if (done) throw new Error("the stream has ended");
        taken.push(value);
      }
      return taken;
    };
  };
  const told = (messages: readonly WatchInstancesResponse[]) =>
    messages.map(({ event }) =>
      event?.$case === "update"
        ? [event.value.kind, event.value.instance?.instanceId, event.value.instance?.state]
        : ["heartbeat"],
    );

  test("tells what is there, then what comes, changes and goes, of the services asked for", async () => {
    const service = newService();
    const [first, second] = [instance(service), instance(service)];
    await register(first);
    const take = watch([service], "", other.client);
    expect(told(await take(1))).toEqual([[snapshot, first.instanceId, serving]]);
    await register(instance(newService()));
    await register(second, 5);
    await register(second, 10);
    await client.heartbeat({ instanceId: first.instanceId, state: serving });
    await client.heartbeat({ instanceId: first.instanceId, state: draining });
    await client.deregisterInstance({ instanceId: first.instanceId });
    clock.advance(10_000);
    await store.expireDue(100, idle());
    expect(told(await take(4))).toEqual([
      [added, second.instanceId, serving],
      [changed, first.instanceId, draining],
      [removed, first.instanceId, draining],
      [removed, second.instanceId, serving],
    ]);
  });

  test("tells those who follow a service that an instance serves it no more", async () => {
    const [before, after] = [newService(), newService()];
    const given = instance(before);
    await register(given);
    const take = watch([before]);
    await take(1);
    await register({ ...given, services: [after] });
    const [message] = await take(1);
    expect(message?.event).toMatchObject({ value: { kind: changed, instance: { services: [after] } } });
  });

  test("goes on after a token, in any process", async () => {
    const service = newService();
    await register(instance(service));
    const [{ resumeToken } = { resumeToken: "" }] = await watch([service])(1);
    const late = instance(service);
    await register(late);
    expect(told(await watch([service], resumeToken, other.client)(1))).toEqual([
      [added, late.instanceId, serving],
    ]);
  });
});
