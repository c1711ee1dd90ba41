// The module "k6": check, fail and randomSeed. What blocks a whole thread in k6 (sleep, group) is not here.

import { currentVu, requireVu, sample } from "../vu-context.ts";

type Checkers<T> = Readonly<Record<string, (value: T) => boolean>>;

/** Whether all checks hold; each is counted. One that throws ends the iteration, as in k6. */
export function check<T>(value: T, sets: Checkers<T>, tags: Record<string, string> = {}): boolean {
  const vu = requireVu("check");
  let all = true;
  for (const [name, holds] of Object.entries(sets)) {
    const held = holds(value);
    if ((held as unknown) instanceof Promise) throw new TypeError(`check "${name}" must not be asynchronous`);
    sample(vu, "checks", held ? 1 : 0, { ...tags, check: name });
    vu.run.checks.count(name, Boolean(held));
    all &&= Boolean(held);
  }
  return all;
}

/** Ends the iteration with an error. */
export function fail(error?: string): never {
  currentVu();
  throw new Error(error ?? "fail was called");
}

/** Math.random of this virtual user follows the seed from here on. */
export function randomSeed(seed: number): void {
  currentVu().random = mulberry32(seed);
}

/** A small generator of numbers from 0 to 1: k6 leaves open which. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
