import { expect, test } from "vitest";
import { ecommerceSchema } from "#impl/runtime/testing/test-server.ts";
import { permissionsOf, ROLES } from "./roles.ts";

test("an administrator holds every permission that a method asks for", () => {
  const asked = [...ecommerceSchema().methods.values()].flatMap(({ policy: { access } }) =>
    access.kind === "permissions" ? access.permissions : [],
  );
  const held = new Set<string>(ROLES.administrator);
  expect(asked.filter((permission) => !held.has(permission))).toEqual([]);
});

test("roles add up, and an unknown one allows nothing", () => {
  expect(permissionsOf(["catalogue_manager", "stock_manager", "emperor"])).toEqual([
    "inventory.read",
    "inventory.write",
    "products.write",
  ]);
  expect(permissionsOf(["customer"])).toEqual([]);
});
