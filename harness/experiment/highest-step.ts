// The highest of a few rates below a capacity that holds: tried from above, so that most systems need one or two tries. Coarse on purpose:
// many arms tried often say more than one arm tried finely.

/** Of the capacity; each a seventh below the one before. */
export const steps: readonly number[] = Array.from({ length: 8 }, (_, i) => 0.95 * 0.86 ** i);

/** Null when none holds, or there is no capacity. */
export async function highestStep(
  capacity: number,
  holds: (rate: number, step: number) => Promise<boolean>,
): Promise<number | null> {
  if (!(capacity > 0)) return null;
  for (const [step, share] of steps.entries()) {
    if (await holds(share * capacity, step)) return share * capacity;
  }
  return null;
}
