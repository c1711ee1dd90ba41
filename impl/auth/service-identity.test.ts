import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { createTokenVerifier } from "./access-token.ts";
import { keptKey } from "./key-set.ts";
import { serviceIdentity } from "./service-identity.ts";
import { keysOfSet } from "./trusted-keys.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "service-identity-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("a service is known by its name and its permissions, and its token is renewed before it expires", async () => {
  const clock = manualClock();
  const { signing, keys } = await keptKey(join(folder, "service.json"));
  const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
  const identity = await serviceIdentity({ key: signing, name: "service:test", clock, log });
  const verify = createTokenVerifier({ keys: keysOfSet(keys), clock });
  const tokenNow = (): string => identity.metadata().authorization?.replace("Bearer ", "") ?? "";
  const first = tokenNow();
  const principal = await verify(first);
  expect(principal).toMatchObject({ userId: "service:test", roles: ["service"] });
  expect(principal.permissions).toContain("inventory.reserve");
  expect(principal.permissions).not.toContain("orders.refund");

  await until(() => clock.pending > 0);
  clock.advance(130_000);
  await until(() => tokenNow() !== first);
  clock.advance(500_000);
  await expect(Promise.resolve().then(() => verify(first))).rejects.toMatchObject({
    reason: "TOKEN_EXPIRED",
  });
  expect(await verify(tokenNow())).toMatchObject({ userId: "service:test" });
  await identity.stop();
});
