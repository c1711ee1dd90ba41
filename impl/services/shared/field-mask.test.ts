import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Code } from "#impl/runtime/status.ts";
import { ecommerceSchema } from "#impl/runtime/testing/test-server.ts";
import { User } from "#proto/ecommerce/v1/user.ts";
import { fieldMasks } from "./field-mask.ts";

const schema = ecommerceSchema();
const masks = fieldMasks<User>(message("ecommerce.v1.User"), ["email", "roles", "profile"]);

function message(name: string) {
  const type = schema.registry.getMessage(name);
  if (type === undefined) throw new Error(`no ${name}`);
  return type;
}

const ada = User.fromPartial({
  userId: "1",
  email: "ada@example.com",
  profile: { givenName: "Ada", phone: "+441", addresses: [{ label: "home" }], marketing: { email: true } },
  roles: ["customer"],
  state: 1,
  etag: "e1",
  createTime: new Date(1),
});

/** Every path that a mask may name for an update, and what lies below each. */
const profilePaths = ["displayName", "givenName", "familyName", "phone", "addresses", "locale"].map(
  (name) => `profile.${name}`,
);
const marketingPaths = ["email", "sms", "post"].map((name) => `profile.marketing.${name}`);
const leaves = ["email", "roles", ...profilePaths, ...marketingPaths];
const paths = [...leaves, "profile", "profile.marketing"];
const wire = (path: string) => path.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const covers = (mask: readonly string[], leaf: string) =>
  mask.some((path) => leaf === path || leaf.startsWith(`${path}.`));

/** Reads a leaf through messages that may be absent, whose fields then have their empty value. */
function leafOf(user: User, path: string): unknown {
  const full = User.fromPartial({ ...user, profile: { marketing: {}, ...user.profile } });
  if (full.profile !== undefined) full.profile.marketing ??= { email: false, sms: false, post: false };
  return path.split(".").reduce<unknown>((at, name) => Reflect.get(Object(at), name), full);
}

const text = fc.constantFrom("", "a", "b");
const marketing = fc.option(fc.record({ email: fc.boolean(), sms: fc.boolean(), post: fc.boolean() }), {
  nil: undefined,
});
const profile = fc.record({
  displayName: text,
  givenName: text,
  familyName: text,
  phone: text,
  locale: text,
  addresses: fc.array(text.map((label) => ({ label }))),
  marketing,
});
const user = fc
  .record({
    userId: text,
    email: text,
    roles: fc.array(text),
    state: fc.constantFrom(0, 1, 2),
    etag: text,
    profile: fc.option(profile, { nil: undefined }),
  })
  .map((fields) => User.fromPartial(fields as Parameters<typeof User.fromPartial>[0]));
const mask = fc.array(fc.constantFrom(...paths), { minLength: 1, maxLength: 5 });
const copy = (given: User) => User.decode(User.encode(given).finish());

describe("an update", () => {
  test("takes the fields that the mask covers from the patch, and all others stay", () => {
    fc.assert(
      fc.property(user, user, mask, (current, patch, chosen) => {
        const before = [copy(current), copy(patch)];
        const updated = masks.update(current, patch, chosen.map(wire));
        for (const leaf of leaves) {
          expect([leaf, leafOf(updated, leaf)]).toEqual([
            leaf,
            leafOf(covers(chosen, leaf) ? patch : current, leaf),
          ]);
        }
        const { userId, state, etag } = current;
        expect(updated).toMatchObject({ userId, state, etag });
        expect([copy(current), copy(patch)]).toEqual(before);
        expect(masks.update(updated, patch, chosen.map(wire))).toEqual(updated);
      }),
    );
  });

  test("without a mask takes what is populated in the patch", () => {
    const populated = (value: unknown) =>
      Array.isArray(value) ? value.length > 0 : value !== "" && value !== false;
    fc.assert(
      fc.property(user, user, fc.constantFrom(undefined, []), (current, patch, none) => {
        const updated = masks.update(current, patch, none);
        for (const leaf of leaves) {
          const given = leafOf(patch, leaf);
          expect([leaf, leafOf(updated, leaf)]).toEqual([
            leaf,
            populated(given) ? given : leafOf(current, leaf),
          ]);
        }
        expect(updated.etag).toBe(current.etag);
      }),
    );
  });

  test("with * replaces everything that can be updated and nothing else", () => {
    fc.assert(
      fc.property(user, user, (current, patch) => {
        const { email, roles, profile } = patch;
        expect(masks.update(current, patch, ["*"])).toEqual({ ...current, email, roles, profile });
      }),
    );
  });

  test("of one field of an absent message makes the message, and clearing one makes none", () => {
    const bare = User.fromPartial({ userId: "1" });
    const patch = User.fromPartial({ profile: { phone: "+442" } });
    expect(masks.update(bare, patch, ["profile.phone"]).profile).toMatchObject({
      phone: "+442",
      addresses: [],
    });
    expect(masks.update(bare, User.fromPartial({}), ["profile.phone"]).profile).toBeUndefined();
    expect(masks.update(ada, User.fromPartial({}), ["profile.phone"]).profile).toMatchObject({
      phone: "",
      givenName: "Ada",
    });
  });

  test.each([
    ["state", "field_mask.not_updatable"],
    ["user_id", "field_mask.not_updatable"],
    ["create_time.seconds", "field_mask.unknown_path"],
    ["nothing", "field_mask.unknown_path"],
    ["profile.addresses.label", "field_mask.unknown_path"],
    ["profile.givenName", "field_mask.unknown_path"],
    ["profile.", "field_mask.unknown_path"],
    ["", "field_mask.unknown_path"],
  ])("refuses the path %s", (path, reason) => {
    const violations = [{ field: "update_mask", description: expect.stringContaining(`"${path}"`), reason }];
    expect(() => masks.update(ada, ada, ["email", path])).toThrow(
      expect.objectContaining({
        code: Code.INVALID_ARGUMENT,
        details: [{ type: "BadRequest", violations }],
      }),
    );
  });
});

describe("a view", () => {
  test("keeps the fields of the mask and empties the others", () => {
    fc.assert(
      fc.property(user, mask, (whole, chosen) => {
        const view = masks.view(chosen.map(wire))(whole);
        for (const leaf of leaves) {
          const expected = leafOf(covers(chosen, leaf) ? whole : User.fromPartial({}), leaf);
          expect([leaf, leafOf(view, leaf)]).toEqual([leaf, expected]);
        }
        expect(copy(view)).toMatchObject({ userId: "", state: 0, etag: "", createTime: undefined });
      }),
    );
  });

  test("shows what cannot be updated, and times only whole", () => {
    expect(masks.view(["state", "create_time"])(ada)).toEqual(
      User.fromPartial({ state: 1, createTime: new Date(1) }),
    );
    expect(() => masks.view(["create_time.nanos"])).toThrow('"create_time.nanos"');
  });

  test.each([[undefined], [[]], [["*"]], [["email", "*"]]])("of %j is the message itself", (all) => {
    expect(masks.view(all)(ada)).toBe(ada);
  });

  test("names every unknown path", () => {
    expect(() => masks.view(["a", "email", "b".repeat(1000)], "mask")).toThrow(
      expect.objectContaining({
        details: [
          {
            type: "BadRequest",
            violations: [
              expect.objectContaining({ field: "mask", reason: "field_mask.unknown_path" }),
              expect.objectContaining({ description: expect.stringMatching(/^"b{100}\.\.\."/) }),
            ],
          },
        ],
      }),
    );
  });
});

test("a type with a oneof is refused", () => {
  expect(() => fieldMasks(message("ecommerce.v1.BatchGetUsersResult"), [])).toThrow("BatchGetUsersResult");
});

test("an updatable path that the type does not have is refused", () => {
  expect(() => fieldMasks(message("ecommerce.v1.User"), ["e_mail"])).toThrow('"e_mail"');
});
