import { randomBytes } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { type ManualClock, manualClock } from "#impl/observability/testing/manual-clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { unauthenticated, unavailable } from "#impl/runtime/rpc-error.ts";
import type { Revocation } from "#proto/ecommerce/v1/auth.ts";
import { makeApiKeySecret } from "./api-key-secret.ts";
import { type ApiKeyVerifierOptions, createApiKeyVerifier, type VerifiedKey } from "./api-key-verifier.ts";
import { createRevocationSet, type RevocationSet } from "./revocation-set.ts";

const KEPT_MS = 60_000;
let clock: ManualClock;
let revocations: RevocationSet;
/** What the authority was asked. */
let asked: string[];
beforeEach(() => {
  clock = manualClock();
  revocations = createRevocationSet({ clock });
  asked = [];
});

const newSecret = (): { apiKeyId: string; secret: string } => {
  const apiKeyId = newId();
  return { apiKeyId, secret: makeApiKeySecret(apiKeyId, randomBytes) };
};

function verifier(
  answer: (secret: string) => Promise<VerifiedKey>,
  options: Partial<ApiKeyVerifierOptions> = {},
) {
  const ask = (secret: string): Promise<VerifiedKey> => {
    asked.push(secret);
    return answer(secret);
  };
  return createApiKeyVerifier({ ask, clock, revocations, ...options });
}

const good = (apiKeyId: string, keepForMs = KEPT_MS): Promise<VerifiedKey> =>
  Promise.resolve({
    principal: { apiKeyId, userId: "ann", roles: [], permissions: new Set(["orders.read"]) },
    keepUntilMs: clock.now() + keepForMs,
  });

const refused = (): Promise<never> => Promise.reject(unauthenticated("API_KEY_INVALID", "not valid"));
const reasonOf = (call: () => unknown): Promise<unknown> =>
  Promise.resolve()
    .then(call)
    .then(
      () => "accepted",
      ({ reason }: { reason: string }) => reason,
    );

test("a key that is known waits for nothing, until the time that the authority named", async () => {
  const { apiKeyId, secret } = newSecret();
  const verify = verifier(() => good(apiKeyId, 10_000));
  const first = verify(secret);
  expect(first).toBeInstanceOf(Promise);
  const principal = await first;
  expect(principal).toMatchObject({ userId: "ann", apiKeyId });
  clock.advance(9_999);
  expect(verify(secret)).toBe(principal);
  clock.advance(1);
  expect(verify(secret)).toBeInstanceOf(Promise);
  expect(asked).toHaveLength(2);
});

test("a clock of the authority that is ahead makes no answer last longer", async () => {
  const { apiKeyId, secret } = newSecret();
  const verify = verifier(() => good(apiKeyId, 86_400_000));
  await verify(secret);
  clock.advance(KEPT_MS);
  expect(verify(secret)).toBeInstanceOf(Promise);
});

test("calls at once with one key ask once", async () => {
  const { apiKeyId, secret } = newSecret();
  const verify = verifier(() => good(apiKeyId));
  const principals = await Promise.all([verify(secret), verify(secret), verify(secret)]);
  expect(new Set(principals).size).toBe(1);
  expect(asked).toHaveLength(1);
});

test("a revocation of the key or its user makes the authority be asked again, one of others does not", async () => {
  const { apiKeyId, secret } = newSecret();
  let works = true;
  const verify = verifier(() => (works ? good(apiKeyId) : refused()));
  await verify(secret);
  const revoke = (target: Revocation["target"]) => {
    clock.advance(1);
    revocations.add({ target, revokeTime: new Date(clock.now()) });
  };
  revoke({ $case: "apiKeyId", value: newId() });
  revoke({ $case: "userId", value: "bob" });
  expect(verify(secret)).not.toBeInstanceOf(Promise);
  revoke({ $case: "userId", value: "ann" });
  expect(await reasonOf(() => verify(secret))).toBe("accepted");
  expect(asked).toHaveLength(2);
  works = false;
  revoke({ $case: "apiKeyId", value: apiKeyId });
  expect(await reasonOf(() => verify(secret))).toBe("API_KEY_INVALID");
});

test("an answer that a revocation has overtaken is not kept, nor waited for by calls that come after it", async () => {
  const { apiKeyId, secret } = newSecret();
  const slow = Promise.withResolvers<VerifiedKey>();
  const answers = [slow.promise, good(apiKeyId)];
  const verify = verifier(() => answers.shift() ?? refused());
  const before = verify(secret);
  revocations.add({ target: { $case: "apiKeyId", value: apiKeyId }, revokeTime: new Date(clock.now()) });
  const after = verify(secret);
  slow.resolve(good(apiKeyId));
  await Promise.all([before, after]);
  expect(asked).toHaveLength(2);
  expect(verify(secret)).toBe(await after);
});

test("a refusal is remembered for a moment, an authority that cannot be asked is not", async () => {
  const { secret } = newSecret();
  const answers = [refused, refused, () => Promise.reject(unavailable("DOWN", "down"))];
  const verify = verifier(() => (answers.shift() ?? refused)());
  for (let n = 0; n < 3; n++) expect(await reasonOf(() => verify(secret))).toBe("API_KEY_INVALID");
  expect(asked).toHaveLength(1);
  clock.advance(5_000);
  expect(await reasonOf(() => verify(secret))).toBe("API_KEY_INVALID");
  clock.advance(5_000);
  expect(await reasonOf(() => verify(secret))).toBe("DOWN");
  expect(await reasonOf(() => verify(secret))).toBe("API_KEY_INVALID");
  expect(asked).toHaveLength(4);
});

test("what has not the form of a key is refused without asking", async () => {
  const { secret } = newSecret();
  const verify = verifier(refused);
  for (const wrong of ["", "x", secret.slice(1), `${secret}A`, "gec_".padEnd(82, "A")]) {
    expect(await reasonOf(() => verify(wrong))).toBe("API_KEY_INVALID");
  }
  expect(asked).toEqual([]);
});

test("only so many keys are remembered, of those that work and of those that do not", async () => {
  const keys = [newSecret(), newSecret(), newSecret()];
  const verify = verifier((secret) => good(keys.find((key) => key.secret === secret)?.apiKeyId ?? ""), {
    remembered: 2,
  });
  for (const { secret } of keys) await verify(secret);
  expect(keys.map(({ secret }) => verify(secret) instanceof Promise)).toEqual([true, false, false]);
  const never = verifier(refused, { remembered: 2 });
  asked = [];
  for (const { secret } of [...keys, ...keys]) await reasonOf(() => never(secret));
  expect(asked).toHaveLength(6);
});
