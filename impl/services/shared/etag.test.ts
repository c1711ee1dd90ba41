import fc from "fast-check";
import { expect, test } from "vitest";
import { Code } from "#impl/runtime/status.ts";
import { etagOf, requireEtag, versionOf } from "./etag.ts";

const version = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });

test("two versions have the same etag only when they are the same", () => {
  fc.assert(
    fc.property(version, version, (one, other) => {
      expect(etagOf(one) === etagOf(other)).toBe(one === other);
    }),
  );
});

test("the version of an etag is the one that it was made of", () => {
  fc.assert(
    fc.property(version, (made) => {
      expect(versionOf(etagOf(made))).toBe(made);
    }),
  );
});

test("versions that follow each other have etags that do not", () => {
  expect(etagOf(1n)).toMatch(/^[0-9a-z]{13}$/);
  expect(etagOf(2n).slice(0, 4)).not.toBe(etagOf(1n).slice(0, 4));
});

test("the etag of the version and the empty one agree with it", () => {
  fc.assert(
    fc.property(version, (current) => {
      requireEtag(etagOf(current), current, "shop.v1.Widget", "w1");
      requireEtag("", current, "shop.v1.Widget", "w1");
    }),
  );
});

test.each([etagOf(6n), "not an etag", "*"])("%s is refused for version 7", (etag) => {
  expect(() => requireEtag(etag, 7n, "shop.v1.Widget", "w1")).toThrow(
    expect.objectContaining({ code: Code.ABORTED, reason: "ETAG_MISMATCH" }),
  );
});
