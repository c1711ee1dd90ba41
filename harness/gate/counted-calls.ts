// A fixed number of calls, the same ones in each arm: what they cost in counters does not depend on how fast they went.

import type { Arm } from "#harness/load/driver.ts";

/** Makes calls 0 to count - 1, `concurrency` at once. Rejects when one does not end in OK. */
export async function countedCalls<Request>(
  arm: Arm<Request>,
  count: number,
  concurrency: number,
): Promise<void> {
  const finished = Promise.withResolvers<void>();
  let next = 0;
  let open = 0;
  const start = (): void => {
    if (next >= count) {
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
