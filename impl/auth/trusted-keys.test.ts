import { exportJWK, generateKeyPair, type JSONWebKeySet } from "jose";
import { beforeAll, expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { fetchedKeys } from "./trusted-keys.ts";

let set: JSONWebKeySet;
beforeAll(async () => {
  const { publicKey } = await generateKeyPair("EdDSA", { extractable: true });
  set = { keys: [{ ...(await exportJWK(publicKey)), kid: "k1" }] };
});

function start() {
  const clock = manualClock();
  let asked = 0;
  let answer = async (): Promise<JSONWebKeySet> => set;
  const keys = fetchedKeys({
    clock,
    log: recordingLogger([]),
    fetch() {
      asked += 1;
      return answer();
    },
  });
  return {
    clock,
    keys,
    asked: () => asked,
    answerWith(next: () => Promise<JSONWebKeySet>) {
      answer = next;
    },
  };
}

const down = async (): Promise<never> => {
  throw new Error("nobody answers");
};

test("keys are asked for with the first token, and not with each", async () => {
  const { keys, asked } = start();
  const found = await Promise.all([keys.find("k1"), keys.find("k1"), keys.find("k1")]);
  expect(found.every((key) => key?.algorithm === "EdDSA")).toBe(true);
  expect(asked()).toBe(1);
});

test("an unknown key is asked for at once, but many do not ask often", async () => {
  const { keys, asked, clock, answerWith } = start();
  await keys.find("k1");
  clock.advance(2_000);
  answerWith(async () => ({ keys: [...set.keys, { ...set.keys[0], kid: "k2" }] }));
  expect(await keys.find("k2")).toBeDefined();
  expect(asked()).toBe(2);
  for (let n = 0; n < 100; n++) expect(await keys.find(`forged ${n}`)).toBeUndefined();
  expect(asked()).toBe(2);
});

test("a key that is withdrawn verifies for a minute at most", async () => {
  const { keys, clock, answerWith } = start();
  await keys.find("k1");
  answerWith(async () => ({ keys: [] }));
  clock.advance(60_000);
  await keys.find("k1");
  await expect.poll(() => keys.find("k1")).toBeUndefined();
});

test("while nobody answers, known keys serve; without any, tokens can be sent again later", async () => {
  const { keys, clock, answerWith } = start();
  answerWith(down);
  await expect(keys.find("k1")).rejects.toMatchObject({ code: Code.UNAVAILABLE, reason: "KEYS_UNKNOWN" });
  answerWith(async () => set);
  clock.advance(2_000);
  await keys.find("k1");
  answerWith(down);
  clock.advance(600_000);
  await keys.find("k1");
  expect(await keys.find("k1")).toBeDefined();
});

test("keys of other kinds verify nothing", async () => {
  const { keys, answerWith } = start();
  const odd = [
    { kty: "oct", kid: "a", k: "c2VjcmV0" },
    { kty: "RSA", kid: "b", n: "AQAB", e: "AQAB" },
    ...set.keys,
  ];
  answerWith(async () => ({ keys: odd }));
  expect(await keys.find("a")).toBeUndefined();
  expect(await keys.find("b")).toBeUndefined();
  expect(await keys.find("k1")).toBeDefined();
});
