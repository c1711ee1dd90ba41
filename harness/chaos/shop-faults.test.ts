import { expect, test } from "vitest";
import { SHOP_FAULTS, shopFault } from "./shop-faults.ts";

const parts = {
  shop: {
    address: { host: "", port: 0 },
    pid: () => process.pid,
    bringDown: async () => {},
    bringBack: async () => {},
    kill: async () => 0,
    stop: async () => {},
  },
  link: { addToxic: async () => {}, removeToxic: async () => {} },
  dataDir: "/no/such/folder",
  surroundings: { env: {}, nodeFlags: [], clockFile: "", redis: undefined },
};

test.each(SHOP_FAULTS)("%s goes by its name", (name) => {
  expect(shopFault(name, parts).name).toBe(name);
});

test("another name is refused", () => {
  expect(() => shopFault("flood", parts)).toThrow("flood is none of kill, kill-database, kill-redis, pause");
});
