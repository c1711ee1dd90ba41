import { expect, test } from "vitest";
import { type WarmUpOptions, warmUp } from "./warm-up.ts";

test("it ends when there were enough calls and the cost stands still over three windows", async () => {
  const { options } = system([400, 300, 120, 100, 101, 99, 98, 100], 3000);
  expect(await warmUp(options)).toMatchObject({ endedBy: "steady", calls: 18_000 });
});

test("a steady cost is not enough before ten thousand calls", async () => {
  const { options } = system(new Array<number>(8).fill(100), 2000);
  expect(await warmUp(options)).toMatchObject({ endedBy: "steady", calls: 10_000 });
});

test("the cap ends it, and says that the cost was still moving", async () => {
  const { options, driven } = system([400, 300, 250, 200, 180, 160, 140, 120, 100, 90], 3000);
  expect(await warmUp(options)).toMatchObject({ endedBy: "cap-not-steady", calls: 24_000 });
  expect(driven()).toBe(8000);
});

test("the cap ends it, and says that there were too few calls", async () => {
  const { options } = system(new Array<number>(9).fill(100), 10);
  expect(await warmUp(options)).toMatchObject({ endedBy: "cap-too-few-calls", calls: 80 });
});

test("a system that answers nothing is never steady", async () => {
  const { options } = system(new Array<number>(9).fill(100), 0);
  expect(await warmUp({ ...options, minCalls: 0 })).toMatchObject({ endedBy: "cap-not-steady", calls: 0 });
});

/** A system whose calls cost `costs[i]` in the i-th window. */
function system(costs: readonly number[], callsPerWindow: number) {
  let [window, calls, cost, driven] = [0, 0, 0, 0];
  const options: WarmUpOptions = {
    drive: async (ms) => {
      driven += ms;
      calls += callsPerWindow;
      cost += callsPerWindow * (costs[window++] ?? 0);
    },
    probe: async () => ({ calls, cost }),
  };
  return { options, driven: () => driven };
}
