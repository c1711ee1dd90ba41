import { expect, test } from "vitest";
import { unavailable } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { allReady, startServers } from "./testing/client-fixture.ts";

const methods = { one: {}, two: {} } as const;
const options = {
  retry: false,
  ejection: false,
  breaker: { failures: 3, openMs: 20, maxOpenMs: 20 },
} as const;

/** Servers that fail while they are broken, and count what reaches them. */
async function startBreakable(count: number) {
  const state = Array.from({ length: count }, () => ({ broken: true, attempts: 0 }));
  const shop = await startServers(count, methods, (server) => {
    const handle = (): string => {
      const mine = state[server];
      if (mine === undefined) return "";
      mine.attempts += 1;
      if (mine.broken) throw unavailable("BROKEN", "broken");
      return "fine";
    };
    return { one: handle, two: handle };
  });
  return { shop, state };
}

const failing = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "none",
    (error: { reason: string }) => error.reason,
  );

test("an endpoint that fails again and again is not called, and the caller is told why", async () => {
  const { shop, state } = await startBreakable(1);
  await using _ = shop;
  const { client, echo, events } = shop.connect({ ...options, breaker: { failures: 3, openMs: 60_000 } });
  await allReady(client);
  for (let call = 0; call < 3; call++) expect(await failing(echo.one(""))).toBe("BROKEN");
  await expect(echo.one("")).rejects.toMatchObject({ code: Code.UNAVAILABLE, reason: "CIRCUIT_OPEN" });
  expect(state[0]?.attempts).toBe(3);
  const group = "testing.v1.EchoService";
  expect(client.stats()[0]?.breakers).toEqual({ [group]: "open" });
  expect(events).toContainEqual({ type: "breaker", address: shop.addresses[0], group, state: "open" });
});

test("a probe that succeeds closes it", async () => {
  const { shop, state } = await startBreakable(1);
  await using _ = shop;
  const { client, echo, events } = shop.connect(options);
  await allReady(client);
  for (let call = 0; call < 3; call++) await failing(echo.one(""));
  const [server] = state;
  if (server !== undefined) server.broken = false;
  await expect.poll(() => failing(echo.one(""))).toBe("none");
  expect(
    events.filter(({ type }) => type === "breaker").map((event) => "state" in event && event.state),
  ).toEqual(["open", "halfOpen", "closed"]);
});

test("while a probe is out, nobody else is let through", async () => {
  const release = Promise.withResolvers<string>();
  let broken = true;
  let attempts = 0;
  await using shop = await startServers(1, methods, () => ({
    one: () => {
      attempts += 1;
      if (broken) throw unavailable("BROKEN", "broken");
      return release.promise;
    },
  }));
  const { client, echo } = shop.connect(options);
  await allReady(client);
  for (let call = 0; call < 3; call++) await failing(echo.one(""));
  broken = false;
  const calls: Promise<string>[] = [];
  await expect
    .poll(() => {
      calls.push(failing(echo.one("")));
      return attempts;
    })
    .toBe(4);
  calls.push(...Array.from({ length: 20 }, () => failing(echo.one(""))));
  const refused = await Promise.race([Promise.all(calls.slice(-20)), release.promise]);
  expect(refused).toEqual(Array.from({ length: 20 }, () => "CIRCUIT_OPEN"));
  expect(attempts).toBe(4);
  release.resolve("fine");
  await Promise.all(calls);
});

test("groups of methods have breakers of their own", async () => {
  const { shop } = await startBreakable(1);
  await using _ = shop;
  const { client, echo } = shop.connect({
    ...options,
    breaker: { failures: 3, openMs: 60_000 },
    breakerGroup: ({ name }) => name,
  });
  await allReady(client);
  for (let call = 0; call < 3; call++) await failing(echo.one(""));
  expect(await failing(echo.one(""))).toBe("CIRCUIT_OPEN");
  expect(await failing(echo.two(""))).toBe("BROKEN");
});

test("while another endpoint is well, an open breaker is nobody's error", async () => {
  const { shop, state } = await startBreakable(2);
  await using _ = shop;
  const [, well] = state;
  if (well !== undefined) well.broken = false;
  const { client, echo } = shop.connect({
    ...options,
    balancer: "roundRobin",
    breaker: { failures: 3, openMs: 60_000 },
  });
  await allReady(client);
  const reasons: string[] = [];
  for (let call = 0; call < 20; call++) reasons.push(await failing(echo.one("")));
  expect(reasons.filter((reason) => reason === "BROKEN")).toHaveLength(3);
  expect(reasons.slice(6)).toEqual(reasons.slice(6).map(() => "none"));
});

test("an error that the caller has earned opens nothing", async () => {
  await using shop = await startServers(1, methods, () => ({}));
  const { client, echo } = shop.connect(options);
  await allReady(client);
  for (let call = 0; call < 10; call++) expect(await failing(echo.one(""))).toBe("METHOD_NOT_IMPLEMENTED");
});
