import { expect, test } from "vitest";
import { parseRequest } from "#impl/runtime/request-fields.ts";
import { testSchema, text } from "#impl/runtime/testing/echo-service.ts";
import { tagTemplates } from "./cache-tags.ts";

const [method] = testSchema({ unary: {} }).methods.values();

function tags(templates: readonly string[], request: string): readonly string[] {
  if (method === undefined) throw new Error("the schema has no method");
  const { fixed, tagsOf } = tagTemplates(method, templates);
  return fixed ?? tagsOf(parseRequest(method.input, text.encode(request).finish()));
}

test.each([
  [["all"], "Ab", ["all"]],
  [["w/{value}", "all"], "Ab", ["w/ab", "all"]],
  [["{value}/{value}"], "ÄB", ["äb/äb"]],
  [["w/{value}"], "", ["w/"]],
  [["w/{value}"], "$& $1 {value}", ["w/$& $1 {value}"]],
])("the tags %j of %j are %j", (templates, request, expected) => {
  expect(tags(templates, request)).toEqual(expected);
});

test("a template that names no field of the request is refused at the start", () => {
  expect(() => tags(["w/{widget_id}"], "")).toThrow(
    '/testing.v1.EchoService/unary: policy: "widget_id" is not a field of google.protobuf.StringValue',
  );
});
