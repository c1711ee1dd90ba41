// A fixed piece of work that uses nothing but the processor: how fast the machine is at this moment. Taken before and after
// each restart; when it moves, the neighbours moved, and the numbers between are to be read with that in mind.

/** Turns of an integer loop per microsecond over `milliseconds` (default 200) of spinning. */
export function spinCanary(milliseconds = 200): number {
  const start = performance.now();
  let turns = 0;
  let state = 1;
  let elapsed = 0;
  while (elapsed < milliseconds) {
    for (let i = 0; i < 10_000; i++) state = (Math.imul(state, 1103515245) + 12345) | 0;
    turns += 10_000;
    elapsed = performance.now() - start;
  }
  // The state decides nothing, but an engine that saw it unused could drop the loop.
  return state === 0.5 ? 0 : turns / (elapsed * 1000);
}
