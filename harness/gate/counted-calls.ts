// A fixed number of calls, the same ones in each arm: what they cost in counters does not depend on how fast they went.

import type { Arm } from "#harness/load/driver.ts";

export interface CountedCalls {
  /** Index of the first call; default 0. */
  readonly first?: number;
  readonly count: number;
  /** Calls in flight. */
  readonly concurrency: number;
}

/** Makes calls `first` to `first` + `count` - 1. Rejects when one does not end in OK. */
export async function countedCalls<Request>(
  arm: Arm<Request>,
  { first = 0, count, concurrency }: CountedCalls,
): Promise<void> {
  const finished = Promise.withResolvers<void>();
  const end = first + count;
  let next = first;
  let open = 0;
  const start = (): void => {
    if (next >= end) {
      if (open === 0) finished.resolve();
      return;
    }
    open++;
    arm.driver.send(arm.request(next++), (status) => {
      open--;
      if (status === 0) start();
      else finished.reject(new Error(`a call of ${arm.name} ended with status ${status}`));
    });
  };
  for (let i = 0; i < Math.min(concurrency, count); i++) start();
  if (count === 0) finished.resolve();
  await finished.promise;
}
