import { describe, expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import type { Discovery } from "./client/discovery.ts";
import { dnsDiscovery } from "./client/dns-discovery.ts";
import { openDiscovery } from "./open-discovery.ts";

const [ORDERS, USERS, REGISTRY] = [
  "ecommerce.v1.OrderService",
  "ecommerce.v1.UserService",
  "ecommerce.v1.RegistryService",
];
const services = [ORDERS, USERS, REGISTRY];
const { signal } = new AbortController();
const fromRegistry: Discovery = {
  resolve: async () => [{ address: "registered:1" }],
  async *watch() {
    yield [{ address: "registered:1" }];
  },
};
const directory = { of: () => fromRegistry, start: async () => {}, stop: async () => {} };

const open = (BACKENDS: string, REGISTRY_ADDRESS?: string, known: typeof directory | undefined = directory) =>
  openDiscovery({ BACKENDS, REGISTRY_ADDRESS }, { clock: manualClock(), services, directory: known });

const addresses = async (discovery: Discovery | undefined): Promise<readonly string[] | undefined> =>
  (await discovery?.resolve(signal))?.map(({ address }) => address);

describe("BACKENDS", () => {
  test("names places by the short and the full names of services; the rest is at *", async () => {
    const of = open(`order=a:1|b:2, ${USERS}=c:3, *=d:4`);
    expect(await addresses(of(ORDERS))).toEqual(["a:1", "b:2"]);
    expect(await addresses(of(USERS))).toEqual(["c:3"]);
    expect(await addresses(of(REGISTRY))).toEqual(["d:4"]);
  });

  test("shares what is known of a place between the services there", () => {
    const of = open("*=a:1");
    expect(of(ORDERS)).toBe(of(USERS));
  });

  test("without an entry a service is where the registry says, and the registry where its address says", async () => {
    const of = open("user=c:3", "r:1");
    expect(await addresses(of(ORDERS))).toEqual(["registered:1"]);
    expect(await addresses(of(USERS))).toEqual(["c:3"]);
    expect(await addresses(of(REGISTRY))).toEqual(["r:1"]);
  });

  test("without a registry a service is nowhere", () => {
    const of = openDiscovery(
      { BACKENDS: "", REGISTRY_ADDRESS: undefined },
      { clock: manualClock(), services, directory: undefined },
    );
    expect(of(ORDERS)).toBeUndefined();
  });

  test.each([
    ["order", 'must be service=place, got "order"'],
    ["cart=a:1", 'there is no service "cart"'],
    ["order=here", 'an address must be "host:port" or "unix:/path", got "here"'],
    ["order=dns:name", 'got "name"'],
    ["order=a:1|a:1", "a:1 is named twice"],
  ])("%s is refused", (setting, reason) => {
    expect(() => open(setting)).toThrow(reason);
  });
});

describe("a name of the DNS", () => {
  test("is every address it has, told again when they change, and kept when it cannot be resolved", async () => {
    const clock = manualClock();
    const stop = new AbortController();
    let now: readonly string[] | Error = ["10.0.0.2", "::1", "10.0.0.1"];
    let asked = 0;
    const discovery = dnsDiscovery({
      host: "orders",
      port: 50_051,
      clock,
      refreshMs: 1_000,
      lookupAll: async () => {
        asked += 1;
        if (now instanceof Error) throw now;
        return now;
      },
    });
    const told = discovery.watch(stop.signal)[Symbol.asyncIterator]();
    const next = async () => (await told.next()).value?.map(({ address }: { address: string }) => address);
    expect(await next()).toEqual(["10.0.0.1:50051", "10.0.0.2:50051", "[::1]:50051"]);
    const changed = next();
    await until(() => clock.pending === 1);
    clock.advance(1_000);
    await until(() => asked === 2 && clock.pending === 1);
    now = ["10.0.0.1"];
    clock.advance(1_000);
    expect(await changed).toEqual(["10.0.0.1:50051"]);
    now = new Error("no such name");
    const failed = next();
    failed.catch(() => {});
    await until(() => clock.pending === 1);
    clock.advance(1_000);
    await expect(failed).rejects.toThrow("no such name");
  });

  test("is what the machine resolves", async () => {
    const discovery = dnsDiscovery({ host: "127.0.0.1", port: 1, clock: manualClock() });
    expect(await addresses(discovery)).toEqual(["127.0.0.1:1"]);
  });
});
