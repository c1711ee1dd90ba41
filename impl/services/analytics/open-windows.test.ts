import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OpenWindows, type WindowSums } from "./open-windows.ts";
import type { Entry } from "./pane-sums.ts";
import { firstWindow, lastWindow, paneOf, spanOf, type WindowFrame } from "./window-frame.ts";

interface Happening {
  readonly time: number;
  readonly amount: bigint;
  readonly value: string;
}

type Step = Happening | { readonly watermark: number };

const ROOMY = { combinations: 1_000, sums: 100_000 };
const T0 = 1_000_000;

const frame = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }))
  .map(([one, other]): WindowFrame => ({ sizeMs: Math.max(one, other), slideMs: Math.min(one, other) }));
const happening = fc.record({
  time: fc.integer({ min: T0 - 50, max: T0 + 150 }),
  amount: fc.bigInt({ min: -5n, max: 100n }),
  value: fc.constantFrom("a", "b", "c"),
});
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: happening },
    { weight: 1, arbitrary: fc.record({ watermark: fc.integer({ min: T0 - 60, max: T0 + 160 }) }) },
  ),
  { maxLength: 60 },
);

function entry({ amount, value }: Happening): Entry {
  return { metric: 1, unit: "", values: [value], amount, weight: 0n };
}

function amounts({ sums }: Pick<WindowSums, "sums">): Record<string, bigint> {
  const of = sums.get(1)?.sums ?? [];
  return Object.fromEntries(of.map(({ values, amount }) => [values.join(), amount]));
}

/** Recomputed over all that has come, for each window anew. */
function naive(time: WindowFrame, begin: number, all: readonly Step[]) {
  const heard: Happening[] = [];
  const final: { index: number; amounts: Record<string, bigint> }[] = [];
  let late = 0;
  let watermark = Number.NEGATIVE_INFINITY;
  let next = begin;
  for (const step of all) {
    if ("time" in step) {
      if (windowsOf(time, step.time).some((index) => spanOf(time, index).end <= watermark)) late += 1;
      heard.push(step);
      continue;
    }
    watermark = Math.max(watermark, step.watermark);
    for (; spanOf(time, next).end <= watermark; next++) {
      const sums = sumOf(heard, spanOf(time, next));
      if (Object.keys(sums).length > 0) final.push({ index: next, amounts: sums });
    }
  }
  return { final, late };
}

function sumOf(all: readonly Happening[], { start, end }: { start: number; end: number }) {
  const sums: Record<string, bigint> = {};
  for (const { time, value, amount } of all) {
    if (time >= start && time < end) sums[value] = (sums[value] ?? 0n) + amount;
  }
  return sums;
}

function windowsOf(time: WindowFrame, at: number): number[] {
  const windows: number[] = [];
  for (let index = Math.floor((at - time.sizeMs) / time.slideMs) - 2; index * time.slideMs <= at; index++) {
    const { start, end } = spanOf(time, index);
    if (start <= at && at < end) windows.push(index);
  }
  return windows;
}

function run(time: WindowFrame, begin: number, all: readonly Step[], limits = ROOMY) {
  const windows = new OpenWindows(time, { begin, closed: Number.NEGATIVE_INFINITY, late: 0 }, limits);
  const final: WindowSums[] = [];
  for (const step of all) {
    if ("time" in step) windows.take(step.time, [entry(step)]);
    else final.push(...windows.pass(step.watermark));
  }
  return { windows, final };
}

describe("the frame", () => {
  test("finds the windows that hold a time, and a pane that is in all of them and in no other", () => {
    fc.assert(
      fc.property(frame, fc.integer({ min: -1_000, max: 2_000_000 }), (time, at) => {
        const [first, last] = [firstWindow(time, at), lastWindow(time, at)];
        expect(windowsOf(time, at)).toEqual(Array.from({ length: last - first + 1 }, (_, n) => first + n));
        const pane = paneOf(time, at);
        expect(pane).toBeLessThanOrEqual(at);
        expect([firstWindow(time, pane), lastWindow(time, pane), paneOf(time, pane)]).toEqual([
          first,
          last,
          pane,
        ]);
      }),
    );
  });

  test("has at most two panes a slide", () => {
    fc.assert(
      fc.property(frame, (time) => {
        const panes = new Set(Array.from({ length: 10 * time.slideMs }, (_, n) => paneOf(time, n)));
        expect(panes.size).toBeLessThanOrEqual(20);
      }),
    );
  });
});

describe("windows", () => {
  test("hold what a recomputation over all events gives, each once, whatever comes in whatever order", () => {
    fc.assert(
      fc.property(frame, steps, (time, all) => {
        const begin = firstWindow(time, T0);
        const { windows, final } = run(time, begin, all);
        const expected = naive(time, begin, all);
        expect(final.map((each) => ({ index: each.index, amounts: amounts(each) }))).toEqual(expected.final);
        expect(windows.state.late).toBe(expected.late);
      }),
    );
  });

  test("that do not overlap add up to everything that was not too late", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), steps, (sizeMs, all) => {
        const time = { sizeMs, slideMs: sizeMs };
        const begin = firstWindow(time, T0 - 1_000);
        const { windows, final } = run(time, begin, [...all, { watermark: T0 + 1_000 }]);
        const events = all.filter((step) => "time" in step);
        const seen = final.flatMap(({ sums }) => sums.get(1)?.sums ?? []).map(({ seen: count }) => count);
        expect(seen.reduce((one, other) => one + other, 0) + windows.state.late).toBe(events.length);
        if (windows.state.late > 0) return;
        const total = final.flatMap((each) => Object.values(amounts(each))).reduce((a, b) => a + b, 0n);
        expect(total).toBe(events.reduce((sum, { amount }) => sum + amount, 0n));
      }),
    );
  });

  test("that overlap hold the sums of the panes that they are made of", () => {
    fc.assert(
      fc.property(frame, fc.array(happening, { maxLength: 40 }), (time, events) => {
        const { final } = run(time, firstWindow(time, T0 - 1_000), [...events, { watermark: T0 + 1_000 }]);
        for (const window of final) {
          const { start, end } = spanOf(time, window.index);
          const panes = new Set(
            events.map((each) => paneOf(time, each.time)).filter((pane) => pane >= start && pane < end),
          );
          const sums: Record<string, bigint> = {};
          for (const pane of panes) {
            for (const { value, amount } of events.filter((each) => paneOf(time, each.time) === pane))
              sums[value] = (sums[value] ?? 0n) + amount;
          }
          expect(amounts(window)).toEqual(sums);
        }
      }),
    );
  });

  test("that change while they fill are told with what they hold, and no others", () => {
    fc.assert(
      fc.property(
        frame,
        fc.array(happening, { maxLength: 20 }),
        fc.array(happening, { maxLength: 20 }),
        (time, before, after) => {
          const begin = firstWindow(time, T0);
          const { windows } = run(time, begin, before);
          windows.forgetChanges();
          for (const each of after) windows.take(each.time, [entry(each)]);
          const expected = new Set(
            after.flatMap((each) => windowsOf(time, each.time)).filter((index) => index >= begin),
          );
          const changed = windows.changed();
          expect(changed).toEqual([...expected].sort((one, other) => one - other));
          for (const index of changed)
            expect(amounts(windows.window(index))).toEqual(sumOf([...before, ...after], spanOf(time, index)));
          expect(windows.changed()).toEqual([]);
        },
      ),
    );
  });

  test("that are filled again from what had come go on as if nothing had happened", () => {
    fc.assert(
      fc.property(frame, steps, fc.nat({ max: 60 }), (time, all, cut) => {
        const begin = firstWindow(time, T0);
        const [before, after] = [all.slice(0, cut), all.slice(cut)];
        const whole = run(time, begin, all);
        const first = run(time, begin, before);
        const again = new OpenWindows(time, first.windows.state, ROOMY);
        for (const step of before) if ("time" in step) again.take(step.time, [entry(step)], true);
        const final = [...first.final];
        for (const step of after) {
          if ("time" in step) again.take(step.time, [entry(step)]);
          else final.push(...again.pass(step.watermark));
        }
        expect(final).toEqual(whole.final);
        expect(again.state).toEqual(whole.windows.state);
      }),
    );
  });
});

describe("memory", () => {
  const many = fc.array(
    fc.record({
      time: fc.integer({ min: T0, max: T0 + 60 }),
      value: fc.nat({ max: 400 }).map(String),
      amount: fc.bigInt(1n, 9n),
    }),
    { minLength: 100, maxLength: 600 },
  );

  test("is bounded whatever the number of combinations, and no amount is lost", () => {
    fc.assert(
      fc.property(frame, many, (time, events) => {
        const limits = { combinations: 5, sums: 40 };
        const windows = new OpenWindows(
          time,
          { begin: firstWindow(time, T0), closed: Number.NEGATIVE_INFINITY, late: 0 },
          limits,
        );
        const panes = new Set<number>();
        for (const each of events) {
          windows.take(each.time, [entry(each)]);
          panes.add(paneOf(time, each.time));
          expect(windows.size).toBeLessThanOrEqual(Math.max(limits.sums, 2 * panes.size));
        }
        for (const { index, sums } of windows.pass(T0 + 1_000)) {
          const { sums: shown = [], others = [] } = sums.get(1) ?? {};
          expect(shown.length).toBeLessThanOrEqual(limits.combinations);
          const expected = Object.values(sumOf(events, spanOf(time, index))).reduce((a, b) => a + b, 0n);
          expect([...shown, ...others].reduce((sum, { amount }) => sum + amount, 0n)).toBe(expected);
        }
        expect(windows.size).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test("is enough to tell the frequent from the rare", () => {
    const time = { sizeMs: 1_000, slideMs: 1_000 };
    const windows = new OpenWindows(
      time,
      { begin: 0, closed: 0, late: 0 },
      { combinations: 10, sums: 1_000 },
    );
    for (let n = 0; n < 2_000; n++) {
      windows.take(500, [entry({ time: 500, amount: 1n, value: `often ${n % 5}` })]);
      windows.take(500, [entry({ time: 500, amount: 1n, value: `once ${n}` })]);
    }
    const { sums = [], others = [] } = windows.window(0).sums.get(1) ?? {};
    expect(sums.slice(0, 5).map(({ values, amount }) => [values[0], amount])).toEqual(
      [0, 1, 2, 3, 4].map((n) => [`often ${n}`, 400n]),
    );
    expect([sums.length, others.length]).toEqual([10, 1]);
    expect(others[0]).toMatchObject({ amount: 1_995n, values: [] });
  });
});
