import { expect, test } from "vitest";
import { addressOf } from "./caller-address.ts";

test.each([
  ["192.0.2.7:5000", "192.0.2.7"],
  ["::ffff:192.0.2.7:5000", "192.0.2.7"],
  ["::1:5000", "0:0:0:0::/64"],
  ["2001:db8:1:2:3:4:5:6:5000", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::9:5000", "2001:db8:1:2::/64"],
  ["2001:db8::9:5000", "2001:db8:0:0::/64"],
  ["fe80::1:2:3:4:5000", "fe80:0:0:0::/64"],
  ["unknown", "unknown"],
])("the address of %s is %s", (peer, address) => {
  expect(addressOf(peer)).toBe(address);
});
