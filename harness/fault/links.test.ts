import { expect, test } from "vitest";
import { checkedProfile } from "./link-profile.ts";
import { linkNamed, links } from "./links.ts";

test("every named link is a valid one, and loopback is none at all", () => {
  for (const [name, profile] of Object.entries(links)) {
    expect(linkNamed(name)).toBe(profile);
    if (profile !== undefined) expect(checkedProfile(profile).name).toBe(name);
  }
  expect(linkNamed("loopback")).toBeUndefined();
});

test("a name or a value that is no link is refused by name and value", () => {
  expect(() => linkNamed("moon")).toThrow(/"moon".*loopback, lan, wan, mobile/);
  expect(() => linkNamed("toString")).toThrow(RangeError);
  expect(() => checkedProfile({ name: "x", delayMs: -1 })).toThrow(/"x": delayMs.*got -1/);
  expect(() => checkedProfile({ name: "x", delayMs: 1, bandwidthBytesPerSecond: 0 })).toThrow(
    /bandwidth.*got 0/,
  );
});

test("the buffer holds what a fast and long link holds", () => {
  const long = checkedProfile({ name: "x", delayMs: 100, bandwidthBytesPerSecond: 12_500_000 });
  expect(long.bufferBytes).toBe(2_500_000);
});
