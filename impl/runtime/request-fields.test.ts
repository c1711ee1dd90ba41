import { fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { fieldReader, parseRequest } from "./request-fields.ts";
import { Code } from "./status.ts";
import { testSchema } from "./testing/echo-service.ts";
import { ecommerceSchema } from "./testing/test-server.ts";

const { registry } = ecommerceSchema();
const wrappers = testSchema({ unary: {} }).registry;

function message(name: string) {
  const desc = wrappers.getMessage(name) ?? registry.getMessage(name);
  if (desc === undefined) throw new Error(`${name} is not in the schema`);
  return desc;
}

function read(name: string, path: string, json: JsonValue): string {
  const desc = message(name);
  return fieldReader(desc, path)(parseRequest(desc, toBinary(desc, fromJson(desc, json, { registry }))));
}

test.each([
  ["google.protobuf.StringValue", "value", "a", "a"],
  ["google.protobuf.StringValue", "value", "", ""],
  ["google.protobuf.Int64Value", "value", "9007199254740993", "9007199254740993"],
  ["google.protobuf.BoolValue", "value", true, "true"],
  ["ecommerce.v1.GetUserRequest", "user_id", { userId: "U1" }, "U1"],
  ["ecommerce.v1.UpdateUserRequest", "user.user_id", { user: { userId: "U1" } }, "U1"],
  ["ecommerce.v1.UpdateUserRequest", "user.user_id", { user: {} }, ""],
  ["ecommerce.v1.UpdateUserRequest", "user.user_id", {}, ""],
])("%s: %s of %j is %j", (name, path, json, expected) => {
  expect(read(name, path, json)).toBe(expected);
});

test.each([
  ["ecommerce.v1.GetUserRequest", "user", 'there is no "user"'],
  ["ecommerce.v1.GetUserRequest", "user_id.length", 'there is no "length"'],
  ["ecommerce.v1.UpdateUserRequest", "user", "is not a scalar field"],
  ["ecommerce.v1.UpdateUserRequest", "user.roles", "is not a scalar field"],
  ["ecommerce.v1.GetUserRequest", "", 'there is no ""'],
])("%s: a path %j is refused at the start", (name, path, why) => {
  expect(() => fieldReader(message(name), path)).toThrow(why);
});

test("bytes that are no message are the caller's mistake", () => {
  expect(() => parseRequest(message("google.protobuf.StringValue"), Buffer.from([0x0a, 9]))).toThrow(
    expect.objectContaining({ code: Code.INVALID_ARGUMENT }),
  );
});
