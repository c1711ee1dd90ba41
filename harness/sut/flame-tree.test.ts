import { expect, test } from "vitest";
import type { CpuProfile } from "./cpu-profile.ts";
import { flameTree } from "./flame-tree.ts";

const frame = (functionName: string, url = "", lineNumber = -1) => ({ functionName, url, lineNumber });
const grpc = "node_modules/@grpc/grpc-js/build/src/server.js";
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame("(root)"), children: [2, 3, 4, 5, 11] },
    { id: 2, callFrame: frame("(idle)") },
    { id: 3, callFrame: frame("(garbage collector)") },
    { id: 4, callFrame: frame("onStream", grpc, 9), children: [6, 7, 8] },
    { id: 5, callFrame: frame("onStream", grpc, 9), children: [9] },
    { id: 6, callFrame: frame("", "impl/runtime/pipeline.ts", 39), children: [10] },
    { id: 7, callFrame: frame("stringify") },
    { id: 8, callFrame: frame("tiny", "node:net", 0) },
    { id: 9, callFrame: frame("", "impl/runtime/pipeline.ts", 39) },
    { id: 10, callFrame: frame("stringify") },
    { id: 11, callFrame: frame("post", "node:inspector", 114) },
  ],
  samples: [11, 2, 3, 4, 6, 7, 8, 9, 10],
  timeDeltas: [400, 5000, 100, 100, 300, 200, 4, 196, 100],
  startTime: 0,
};

test("frames have names and places to read, those of one function beside each other are one, and neither idle time nor the profiler is in it", () => {
  const { busyMicros, idleMicros, frames } = flameTree(profile);
  expect([busyMicros, idleMicros]).toEqual([1000, 5000]);
  expect(frames).toEqual([
    {
      name: "onStream",
      place: "@grpc/grpc-js server.js:10",
      kind: "package",
      share: 0.9,
      // Its own 0.1, and the 0.004 of what is too small.
      selfShare: 0.104,
      children: [
        {
          name: "pipeline.ts:40",
          place: "impl/runtime/pipeline.ts:40",
          kind: "own",
          share: 0.596,
          selfShare: 0.496,
          children: [
            {
              name: "stringify",
              place: "built in",
              kind: "engine",
              share: 0.1,
              selfShare: 0.1,
              children: [],
            },
          ],
        },
        { name: "stringify", place: "built in", kind: "engine", share: 0.2, selfShare: 0.2, children: [] },
      ],
    },
    { name: "garbage collection", place: "", kind: "engine", share: 0.1, selfShare: 0.1, children: [] },
  ]);
});

test("the hottest functions are added up wherever they were called from", () => {
  const { hottest } = flameTree(profile, { hottest: 2 });
  expect(hottest.map(({ name, selfShare }) => [name, selfShare])).toEqual([
    ["pipeline.ts:40", 0.496],
    ["stringify", 0.3],
  ]);
});

test("functions with the names that every object has are called by them", () => {
  const nodes = profile.nodes.map((node) => ({
    ...node,
    callFrame:
      node.callFrame.functionName === "stringify"
        ? { ...node.callFrame, functionName: "toString" }
        : node.callFrame,
  }));
  const names = flameTree({ ...profile, nodes }).hottest.map(({ name }) => name);
  expect(names).toContain("toString");
});

test("a profile without a busy moment has no frames", () => {
  expect(flameTree({ ...profile, samples: [2], timeDeltas: [100] })).toEqual({
    busyMicros: 0,
    idleMicros: 100,
    frames: [],
    hottest: [],
  });
});
