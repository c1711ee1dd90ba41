import { expect, test } from "vitest";
import { type CpuProfile, parseCpuProfile, timeByPart } from "./cpu-profile.ts";

const frame = (functionName: string, url = "") => ({ functionName, url, lineNumber: -1 });
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame("(root)"), children: [2, 4, 5, 6] },
    { id: 2, callFrame: frame("query", "file:///node_modules/pg/client.js"), children: [3] },
    { id: 3, callFrame: frame("write", "node:net") },
    { id: 4, callFrame: frame("(idle)") },
    { id: 5, callFrame: frame("(garbage collector)") },
    { id: 6, callFrame: frame("tick", "node:internal/timers") },
  ],
  samples: [2, 3, 4, 5, 6, 3],
  timeDeltas: [10, 20, 40, 80, 160, 320],
  startTime: 1_000,
};
const parts = [
  ["driver", /node_modules\/pg\//],
  ["garbage collection", /^\(\(garbage collector\)\)/],
] as const;

test("time belongs to the innermost known frame above it, and idle time to nobody", () => {
  const all = { from: 0, to: 10_000 };
  expect([...timeByPart(profile, parts, all)]).toEqual([
    ["driver", 350],
    ["garbage collection", 80],
    ["rest", 160],
  ]);
});

test("a profile that is read names its sources by their path in the checkout", () => {
  const nodes = [
    { id: 1, callFrame: frame("own", "file:///srv/a%20shop/impl/main.ts"), hitCount: 3 },
    { id: 2, callFrame: frame("library", "file:///elsewhere/node_modules/pg/client.js") },
    { id: 3, callFrame: frame("node", "node:net") },
  ];
  const read = parseCpuProfile(JSON.stringify({ ...profile, nodes }), "/srv/a shop");
  expect(read.nodes.map(({ callFrame }) => callFrame.url)).toEqual([
    "impl/main.ts",
    "node_modules/pg/client.js",
    "node:net",
  ]);
  expect(read.nodes[0]).toHaveProperty("hitCount", 3);
  expect(() => parseCpuProfile('{"nodes":1}', "/srv")).toThrow('must be a CPU profile, got {"nodes":1}');
});

test("only the window counts", () => {
  const spent = timeByPart(profile, parts, { from: 1_100, to: 1_400 });
  expect([...spent]).toEqual([
    ["driver", 0],
    ["garbage collection", 80],
    ["rest", 160],
  ]);
});
