import { expect, test } from "vitest";
import { createAddressPolicy } from "./address-policy.ts";
import { takesEvent, urlViolations } from "./endpoint.ts";

const reasonsOf = (url: string, allowed: readonly string[] = []): string[] =>
  urlViolations(url, createAddressPolicy(allowed)).map(({ reason }) => reason);

test.each([
  [[], "order.confirmed", true],
  [["order.confirmed"], "order.confirmed", true],
  [["order.confirmed"], "order.shipped", false],
  [["order.*"], "order.confirmed", true],
  [["order.*"], "order.item.returned", true],
  [["order.*"], "orders.confirmed", false],
  [["order.*.returned"], "order.item.returned", true],
  [["order.*.returned"], "order.returned", false],
  [["payment.*", "stock.low"], "stock.low", true],
])("patterns %j and %s: %s", (patterns, eventType, taken) => {
  expect(takesEvent(patterns, eventType)).toBe(taken);
});

test("a public https URL is taken", () => {
  expect(reasonsOf("https://hooks.example.com:8443/a?b=c")).toEqual([]);
});

test.each([
  "https://127.0.0.1/",
  "https://2130706433/",
  "https://0x7f.1/",
  "https://10.1.2.3/",
  "https://169.254.169.254/latest",
  "https://[::1]/",
  "https://[::ffff:10.0.0.1]/",
  "https://[fd00::1]/",
  "https://localhost/",
  "https://api.localhost/",
])("%s leads inside", (url) => {
  expect(reasonsOf(url)).toEqual(["endpoint.url_private"]);
});

test("what configuration allows is allowed, and only that", () => {
  expect(reasonsOf("https://10.1.2.3/", ["10.1.0.0/16"])).toEqual([]);
  expect(reasonsOf("https://10.2.2.3/", ["10.1.0.0/16"])).toEqual(["endpoint.url_private"]);
});

test("a URL with credentials, or of another scheme, is refused", () => {
  expect(reasonsOf("https://ada:secret@example.com/")).toEqual(["endpoint.url_credentials"]);
  expect(reasonsOf("http://example.com/")).toEqual(["endpoint.url"]);
  expect(reasonsOf("no URL")).toEqual(["endpoint.url"]);
});

test("a network that is no CIDR block is named", () => {
  for (const network of ["10.0.0.0", "10.0.0.0/33", "here/8"]) {
    expect(() => createAddressPolicy([network])).toThrow(network);
  }
});
