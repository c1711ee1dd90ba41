import { describe, expect, test } from "vitest";
import { parseAddress, staticDiscovery } from "./discovery.ts";

describe("addresses", () => {
  test.each([
    ["shop.example.com:443", { host: "shop.example.com", port: 443 }],
    ["127.0.0.1:1", { host: "127.0.0.1", port: 1 }],
    ["[::1]:65535", { host: "::1", port: 65_535 }],
    ["unix:/run/shop.sock", { path: "/run/shop.sock" }],
  ])("%s is one", (address, parsed) => {
    expect(parseAddress(address)).toEqual(parsed);
  });

  test.each(["", "shop", "shop:", "shop:0", "shop:65536", ":443", "::1:443", "http://shop:443", "unix:shop"])(
    '"%s" is none',
    (address) => {
      expect(() => parseAddress(address)).toThrow(`"${address}"`);
    },
  );
});

describe("a static list", () => {
  test("is the same whoever asks", async () => {
    const discovery = staticDiscovery(["a:1", { address: "b:1", weight: 3 }]);
    const expected = [{ address: "a:1" }, { address: "b:1", weight: 3 }];
    const { signal } = new AbortController();
    expect(await discovery.resolve(signal)).toEqual(expected);
    expect(await Array.fromAsync(discovery.watch(signal))).toEqual([expected]);
  });

  test("is refused when it is empty, names an address twice or has a weight of nothing", () => {
    expect(() => staticDiscovery([])).toThrow("at least one");
    expect(() => staticDiscovery(["a:1", "a:1"])).toThrow("a:1 is named twice");
    expect(() => staticDiscovery([{ address: "a:1", weight: 0 }])).toThrow("weight of a:1");
  });
});
