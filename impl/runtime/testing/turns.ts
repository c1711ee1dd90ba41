// Waiting in tests without a clock: turns of the event loop, each of which lets sockets deliver.

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets the event loop turn until `condition` holds. A condition that never holds ends with the test's own time limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Resolves when `read` has given the same value for many turns in a row, and to that value. */
export async function settled(read: () => number, turns = 200): Promise<number> {
  let value = read();
  for (let same = 0; same < turns; same++) {
    await turn();
    const current = read();
    if (current !== value) same = 0;
    value = current;
  }
  return value;
}
