import fc from "fast-check";
import { expect, test } from "vitest";
import { createSecretBox, SecretUnreadable } from "./secret-box.ts";

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

test("what was sealed is opened again, and does not show", () => {
  const box = createSecretBox([key(1)]);
  fc.assert(
    fc.property(fc.string({ minLength: 8 }), fc.string(), (secret, owner) => {
      const sealed = box.seal(secret, owner);
      expect(box.open(sealed, owner)).toBe(secret.toWellFormed());
      expect(box.seal(secret, owner)).not.toEqual(sealed);
    }),
  );
});

test("every changed bit, another owner and another key make it unreadable", () => {
  const box = createSecretBox([key(1)]);
  const sealed = box.seal("whsec_secret", "endpoint");
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => box.open(changed, "endpoint")).toThrow(SecretUnreadable);
  }
  expect(() => box.open(sealed, "another")).toThrow(SecretUnreadable);
  expect(() => createSecretBox([key(2)]).open(sealed, "endpoint")).toThrow(SecretUnreadable);
  expect(() => box.open(sealed.subarray(0, 20), "endpoint")).toThrow(SecretUnreadable);
});

test("a key that was replaced still opens what it sealed", () => {
  const sealed = createSecretBox([key(1)]).seal("secret", "endpoint");
  expect(createSecretBox([key(2), key(1)]).open(sealed, "endpoint")).toBe("secret");
});

test("a key of another length is refused", () => {
  expect(() => createSecretBox([new Uint8Array(16)])).toThrow("16 bytes");
  expect(() => createSecretBox([])).toThrow("at least one key");
});
