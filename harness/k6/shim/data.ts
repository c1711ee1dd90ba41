// The module "k6/data": an array that all virtual users share.

import { requireInit } from "../vu-context.ts";

/** Made by the first who asks, then the same for all, and never changed. */
export class SharedArray<T> extends Array<T> {
  constructor(name: string, make: () => T[]) {
    super();
    const { sharedArrays } = requireInit("SharedArray").run;
    let known = sharedArrays.get(name);
    if (known === undefined) {
      const made: unknown = make();
      if (!Array.isArray(made)) throw new TypeError(`SharedArray "${name}" was not given an array`);
      known = deepFrozen(JSON.parse(JSON.stringify(made))) as readonly unknown[];
      sharedArrays.set(name, known);
    }
    // The constructor's own answer: one array for all.
    // biome-ignore lint/correctness/noConstructorReturn: k6's SharedArray is constructed, and is shared.
    return known as SharedArray<T>;
  }
}

function deepFrozen(value: unknown): unknown {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(deepFrozen);
  return Object.freeze(value);
}
