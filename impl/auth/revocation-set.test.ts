import { expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import type { Revocation } from "#proto/ecommerce/v1/auth.ts";
import { createRevocationSet, type TargetKind } from "./revocation-set.ts";

const revoked = ($case: TargetKind, value: string, timeMs: number): Revocation => ({
  target: { $case, value },
  revokeTime: new Date(timeMs),
});

test("tokens of a user from before the revocation are revoked, and those from then on are not", () => {
  const clock = manualClock();
  const now = clock.now();
  const set = createRevocationSet({ clock });
  set.add(revoked("userId", "ANN", now));
  const token = { userId: "ann", sessionId: "s", issuedAtMs: now - 1 };
  expect(set.isRevoked(token)).toBe(true);
  expect(set.isRevoked({ ...token, sessionId: undefined })).toBe(true);
  expect(set.isRevoked({ ...token, issuedAtMs: now })).toBe(false);
  expect(set.isRevoked({ ...token, userId: "bob" })).toBe(false);
});

test("an older revocation that comes later takes nothing back", () => {
  const clock = manualClock();
  const now = clock.now();
  const set = createRevocationSet({ clock });
  set.add(revoked("userId", "ann", now));
  set.add(revoked("userId", "ann", now - 60_000));
  expect(set.isRevoked({ userId: "ann", sessionId: "s", issuedAtMs: now - 1 })).toBe(true);
});

test("every token of an ended session is revoked, whatever its time", () => {
  const clock = manualClock();
  const set = createRevocationSet({ clock });
  set.add(revoked("sessionId", "s1", clock.now()));
  const token = { userId: "ann", sessionId: "s1", issuedAtMs: clock.now() + 1_000 };
  expect(set.isRevoked(token)).toBe(true);
  expect(set.isRevoked({ ...token, sessionId: "s2" })).toBe(false);
});

test("what can be about no token any more is forgotten", () => {
  const clock = manualClock();
  const set = createRevocationSet({ clock });
  set.add(revoked("sessionId", "s1", clock.now()));
  clock.advance(3 * 3_600_000);
  set.add(revoked("sessionId", "s2", clock.now()));
  expect(set.size).toBe(1);
  // Not because there were too many: other sessions are not concerned.
  expect(set.isRevoked({ userId: "bob", sessionId: "s3", issuedAtMs: 0 })).toBe(false);
});

test("one too many is forgotten together with all sessions from before it, and no token works that was revoked", () => {
  const clock = manualClock();
  const set = createRevocationSet({ clock, heldAtMost: 2 });
  const now = clock.now();
  for (const [index, id] of ["s1", "s2", "s3"].entries()) set.add(revoked("sessionId", id, now + index));
  expect(set.size).toBe(2);
  expect(set.isRevoked({ userId: "ann", sessionId: "s1", issuedAtMs: now - 5 })).toBe(true);
  expect(set.isRevoked({ userId: "bob", sessionId: "other", issuedAtMs: now - 5 })).toBe(true);
  expect(set.isRevoked({ userId: "bob", sessionId: "other", issuedAtMs: now })).toBe(false);
  expect(set.isRevoked({ userId: "service:a", sessionId: undefined, issuedAtMs: now - 5 })).toBe(false);
});

test("listeners are told of what is added until they stop", () => {
  const clock = manualClock();
  const set = createRevocationSet({ clock });
  const heard: string[] = [];
  const stop = set.onAdded(({ target }) => heard.push(target?.value ?? ""));
  set.add(revoked("apiKeyId", "k1", clock.now()));
  stop();
  set.add(revoked("apiKeyId", "k2", clock.now()));
  expect(heard).toEqual(["k1"]);
  expect(set.revokedAt("apiKeyId", "k2")).toBe(clock.now());
});
