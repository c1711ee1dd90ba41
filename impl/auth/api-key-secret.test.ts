import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { apiKeyIdOf, hashApiKeySecret, makeApiKeySecret, shownPrefix } from "./api-key-secret.ts";

const KEY_ID = "019abcde-0000-7000-8000-000000000001";

test("a secret says whose it is, and two of one key have nothing to know the other by", () => {
  const [one, other] = [makeApiKeySecret(KEY_ID, randomBytes), makeApiKeySecret(KEY_ID, randomBytes)];
  expect(one).toMatch(/^gec_[A-Za-z0-9_-]{78}$/);
  expect(apiKeyIdOf(one)).toBe(KEY_ID);
  expect(shownPrefix(one)).toMatch(/^gec_.{8}$/);
  expect(shownPrefix(one)).not.toBe(shownPrefix(other));
  expect(hashApiKeySecret(one)).not.toEqual(hashApiKeySecret(other));
});

test("a secret with any character changed, left out or added is known to be none", () => {
  const secret = makeApiKeySecret(KEY_ID, randomBytes);
  fc.assert(
    fc.property(
      fc.nat(secret.length - 1),
      fc.constantFrom(..."ABCxyz019_-!\0é", ""),
      fc.boolean(),
      (at, character, insert) => {
        const changed = secret.slice(0, at) + character + secret.slice(insert ? at : at + 1);
        fc.pre(changed !== secret);
        expect(apiKeyIdOf(changed)).toBeUndefined();
      },
    ),
  );
});
