import { expect, test } from "vitest";
import { readConfig } from "./config.ts";

test("a value that breaks its rule is named with the value and the rule", () => {
  expect(() => readConfig({ GRPC_PORT: "many" })).toThrow('GRPC_PORT="many": must be an integer');
});

test.each(["JWT_SECRET", "SIGNING_KEY_SECRET", "PAGE_TOKEN_SECRET"])(
  "%s that is too short is named without its value",
  (name) => {
    const problem = `the configuration is not valid:\n  ${name}: must have at least 32 bytes`;
    expect(() => readConfig({ [name]: "too short" })).toThrow(new Error(problem));
    expect(readConfig({ [name]: "x".repeat(32) })).toHaveProperty(name, "x".repeat(32));
    expect(readConfig({ [name]: "" })).toHaveProperty(name, undefined);
  },
);
