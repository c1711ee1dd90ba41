import { expect, test } from "vitest";
import { templateFor } from "./template.ts";

const templates = ["", "de", "de-CH", "en-GB"].map((locale) => ({ locale }));

test.each([
  ["", ""],
  ["de", "de"],
  ["de-AT", "de"],
  ["DE-ch-1996", "de-CH"],
  ["en", ""],
  ["fr-FR", ""],
])("a reader of %j gets the template of %j", (locale, taken) => {
  expect(templateFor(templates, locale)).toEqual({ locale: taken });
});

test("without a default there may be none", () => {
  expect(templateFor([{ locale: "de" }], "fr")).toBeUndefined();
});
