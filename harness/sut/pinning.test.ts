import { describe, expect, it } from "vitest";
import { parseCoreList, pinned, planCores } from "./pinning.ts";

describe("the core plan", () => {
  it("keeps the generator and the server apart on two cores", () => {
    expect(planCores([0, 1], true)).toMatchObject({ generator: 0, server: 1 });
    expect(planCores([4, 6, 7], true)).toMatchObject({ generator: 4, server: 6, all: "4,6,7" });
  });

  it("pins nothing and says why on one core or without taskset", () => {
    expect(planCores([0], true)).toEqual({
      generator: undefined,
      server: undefined,
      all: undefined,
      statement: "not pinned: 1 core is available, two are needed",
    });
    expect(planCores([0, 1], false).statement).toBe("not pinned: there is no taskset");
  });

  it("reads the kernel's list of cores", () => {
    expect(parseCoreList("0-2,5")).toEqual([0, 1, 2, 5]);
    expect(parseCoreList("")).toEqual([]);
  });

  it("puts taskset before a command only where there is a core", () => {
    expect(pinned(1, ["node", "x"])).toEqual(["taskset", "-c", "1", "node", "x"]);
    expect(pinned("0,1", ["node"])).toEqual(["taskset", "-c", "0,1", "node"]);
    expect(pinned(undefined, ["node", "x"])).toEqual(["node", "x"]);
  });
});
