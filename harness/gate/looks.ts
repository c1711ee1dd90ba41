// When a gate may decide: after a third, two thirds and all of its restarts, with boundaries of the O'Brien-Fleming shape, so that
// looking early costs almost nothing at the end. Levels are one-sided and stated as nominal p-values, to be met by Student's t.

export type Look = "first" | "second" | "final";

export const finalLook: Look = "final";

interface Boundary {
  readonly alpha: number;
  readonly nominal: Readonly<Record<Look, number>>;
}

/** z = c √(3/k) at look k of 3; c by integrating the density of the partial sums so that all looks together have `alpha`. */
const boundaries: readonly Boundary[] = [
  // c = 1.7096
  { alpha: 0.05, nominal: { first: 1.533e-3, second: 0.01814, final: 0.04367 } },
  // c = 2.3536
  { alpha: 0.01, nominal: { first: 2.285e-5, second: 1.972e-3, final: 9.296e-3 } },
  // c = 2.5949
  { alpha: 0.005, nominal: { first: 3.487e-6, second: 7.412e-4, final: 4.731e-3 } },
  // c = 2.7286
  { alpha: 0.01 / 3, nominal: { first: 1.145e-6, second: 4.161e-4, final: 3.18e-3 } },
  // c = 2.8204
  { alpha: 0.0025, nominal: { first: 5.169e-7, second: 2.759e-4, final: 2.398e-3 } },
];

/** The one-sided p-value that must be met at a look. Throws RangeError for a level that is not in the table. */
export function nominalAlpha(alpha: number, look: Look): number {
  const boundary = boundaries.find((one) => Math.abs(one.alpha - alpha) < 1e-9);
  if (boundary === undefined) {
    const known = boundaries.map((one) => one.alpha.toPrecision(3)).join(", ");
    throw new RangeError(`there are no boundaries for a level of ${alpha}, only for ${known}`);
  }
  return boundary.nominal[look];
}

/** The look that is due after so many restarts; undefined between looks. */
export function lookAfter(done: number, planned: number): Look | undefined {
  if (done >= planned) return "final";
  if (planned % 3 !== 0) return undefined;
  if (done === planned / 3) return "first";
  return done === (2 * planned) / 3 ? "second" : undefined;
}
