import { expect, test } from "vitest";
import { Code } from "#impl/runtime/status.ts";
import { createPasswordHasher, DEFAULT_HASH_PARAMETERS } from "./password-hash.ts";

const cheap = { memoryKib: 64, passes: 1, lanes: 1 };
const { signal } = new AbortController();

test("a password is right for its hash, which names the parameters, and no other password is", async () => {
  const hasher = createPasswordHasher({ parameters: cheap });
  const stored = await hasher.hash("correct horse", signal);
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await hasher.verify("correct horse", stored, signal)).toBe("right");
  expect(await hasher.verify("correct horsf", stored, signal)).toBe("wrong");
  expect(await hasher.hash("correct horse", signal)).not.toBe(stored);
});

test("one text typed in two ways is one password", async () => {
  const hasher = createPasswordHasher({ parameters: cheap });
  expect(await hasher.verify("caf\u00e9", await hasher.hash("cafe\u0301", signal), signal)).toBe("right");
});

test("without a stored hash the same work is done, and no password is right", async () => {
  const hasher = createPasswordHasher({ parameters: cheap });
  expect(await hasher.verify("", undefined, signal)).toBe("wrong");
  expect(hasher.computed).toBe(1);
});

test("a hash of other parameters is right and outdated", async () => {
  const before = createPasswordHasher({ parameters: cheap });
  const now = createPasswordHasher({ parameters: { ...cheap, passes: 2 } });
  const stored = await before.hash("correct horse", signal);
  expect(await now.verify("correct horse", stored, signal)).toBe("outdated");
  expect(await now.verify("wrong horse", stored, signal)).toBe("wrong");
});

test("the parameters are at least those that OWASP recommends", () => {
  const { memoryKib, passes, lanes } = DEFAULT_HASH_PARAMETERS;
  expect(memoryKib).toBeGreaterThanOrEqual(19 * 1024);
  expect(passes).toBeGreaterThanOrEqual(2);
  expect(lanes).toBe(1);
});

test("what is no hash is refused without being shown", async () => {
  const hasher = createPasswordHasher({ parameters: cheap });
  const error = await hasher
    .verify("a", "$argon2i$secret", signal)
    .catch((reason: unknown) => String(reason));
  expect(error).toContain("PHC");
  expect(error).not.toContain("secret");
});

test("few are computed at a time, few wait, and the rest is told to come again", async () => {
  const hasher = createPasswordHasher({ parameters: cheap, computedAtOnce: 1, waitingAtMost: 2 });
  const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => hasher.hash("a", signal)));
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") continue;
    expect(outcome.reason).toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      reason: "PASSWORD_CHECKS_BUSY",
      details: [{ type: "RetryInfo" }],
    });
  }
  expect(await hasher.hash("a", signal)).toContain("argon2id");
});

test("who gives up while waiting costs no computation", async () => {
  const hasher = createPasswordHasher({ parameters: cheap, computedAtOnce: 1 });
  const stop = new AbortController();
  const running = hasher.hash("a", signal);
  const waiting = hasher.hash("b", stop.signal);
  stop.abort(new Error("gone"));
  await running;
  await expect(waiting).rejects.toThrow("gone");
  expect(hasher.computed).toBe(1);
});
