import { expect, test } from "vitest";
import { Code } from "#impl/runtime/status.ts";
import { User } from "#proto/ecommerce/v1/user.ts";
import { requireStorableText } from "./storable-text.ts";

test("every text with a NUL character is named by its path in the request", () => {
  const user = User.fromPartial({
    email: "ada\0@example.com",
    profile: { givenName: "Ada", addresses: [{}, { addressLines: ["1 Main St", "\0"], postalCode: "\0" }] },
    createTime: new Date(0),
  });
  const violation = (field: string) => expect.objectContaining({ field, reason: "text.nul" });
  expect(() => requireStorableText(user, "user")).toThrow(
    expect.objectContaining({
      code: Code.INVALID_ARGUMENT,
      details: [
        {
          type: "BadRequest",
          violations: [
            violation("user.email"),
            violation("user.profile.addresses[1].address_lines[1]"),
            violation("user.profile.addresses[1].postal_code"),
          ],
        },
      ],
    }),
  );
});

test("fields of the request itself have no prefix", () => {
  expect(() => requireStorableText({ someReason: "\0" }, "")).toThrow(
    expect.objectContaining({ values: { field: "some_reason", rule: "text.nul" } }),
  );
});

test("other texts, bytes and times pass", () => {
  requireStorableText({ a: "\u0001ü😀", b: new Uint8Array([0]), c: new Date(0), d: undefined, e: 0n }, "");
});
