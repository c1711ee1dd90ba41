import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Clock } from "#impl/runtime/clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { createPageTokens, type TokenUse } from "./page-token.ts";

const key = new Uint8Array(32).fill(7);
const use: TokenUse = { purpose: "things.list.1", field: "page_token", boundTo: "colour=red" };
const at = (now: number): Clock => ({ now: () => now, monotonic: () => now, after: () => () => {} });
const tokens = createPageTokens({ key, clock: at(1_000) });
const refusal = (rule: string) => expect.objectContaining({ values: { field: "page_token", rule } });
const opening =
  (token: string, by = tokens, as = use) =>
  () =>
    by.open(as, token);

describe("a token", () => {
  test("gives back any position, and does not show it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (position) => {
        const token = tokens.seal(use, position);
        expect(tokens.open(use, token)).toBe(position);
        expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
        if (position.length > 3) expect(Buffer.from(token, "base64url").includes(position)).toBe(false);
      }),
    );
  });

  test("is refused with any one character changed, removed or added", () => {
    const token = tokens.seal(use, '["a",1]');
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.string({ minLength: 0, maxLength: 2 }), (index, by) => {
        const changed = token.slice(0, index) + by + token.slice(index + 1);
        fc.pre(changed !== token);
        expect(opening(changed)).toThrow(refusal("token.invalid"));
      }),
    );
  });

  test("is refused with any bit flipped", () => {
    const bytes = Buffer.from(tokens.seal(use, "somewhere"), "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(opening(flipped.toString("base64url"))).toThrow(refusal("token.invalid"));
    }
  });

  test.each([
    { ...use, boundTo: "colour=blue" },
    { ...use, purpose: "things.list.2" },
  ])("is refused for another use: %o", (other) => {
    expect(opening(tokens.seal(use, "x"), tokens, other)).toThrow(refusal("token.invalid"));
  });

  test("of another system is refused", () => {
    const foreign = createPageTokens({ key: new Uint8Array(32).fill(8), clock: at(1_000) });
    expect(opening(foreign.seal(use, "x"))).toThrow(refusal("token.invalid"));
  });

  test.each(["", "AAAA", "not a token", "A".repeat(1_024)])("that is %j is refused", (token) => {
    expect(opening(token)).toThrow(refusal("token.invalid"));
  });

  test("is good for its lifetime and no longer", () => {
    const token = tokens.seal(use, "x");
    const later = (ms: number) => createPageTokens({ key, clock: at(1_000 + ms), lifetimeMs: 500 });
    expect(later(500).open(use, token)).toBe("x");
    expect(opening(token, later(501))).toThrow(refusal("token.expired"));
  });

  test("of a stream that has expired tells its client to begin again", () => {
    const place: TokenUse = { ...use, field: "resume_token" };
    const token = tokens.seal(place, "x");
    const later = createPageTokens({ key, clock: at(2_000), lifetimeMs: 500 });
    expect(opening(token, later, place)).toThrow(
      expect.objectContaining({ code: Code.OUT_OF_RANGE, reason: "RESUME_TOKEN_EXPIRED" }),
    );
  });
});

test("a short key and an empty lifetime are refused with their values", () => {
  expect(() => createPageTokens({ key: new Uint8Array(16), clock: at(0) })).toThrow("16 bytes");
  expect(() => createPageTokens({ key, clock: at(0), lifetimeMs: 0 })).toThrow("lifetimeMs 0");
});
