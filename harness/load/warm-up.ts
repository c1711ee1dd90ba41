// Decides when a system is warm: enough calls made, and a watched cost that has stopped moving. A runtime that compiles while it
// runs needs both; the answer says which rule ended the warm-up, so that a report can say that it was cut short.

/** Cumulative readings; only differences are used. */
export interface WarmUpReading {
  readonly calls: number;
  /** The watched cost so far, such as the server's CPU microseconds. */
  readonly cost: number;
}

export interface WarmUpOptions {
  /** Puts load on the system for about this long. */
  readonly drive: (windowMs: number) => Promise<unknown>;
  /** Reads the counters, between windows. */
  readonly probe: () => Promise<WarmUpReading>;
  /** Default 10,000. */
  readonly minCalls?: number;
  /** Largest relative spread of the cost per call over the last windows that counts as steady. Default 0.05. */
  readonly maxChange?: number;
  /** How many last windows must agree. Default 3. */
  readonly steadyWindows?: number;
  /** Default 1000. */
  readonly windowMs?: number;
  /** No window is begun that would end later. At least one is run. Default 8000. */
  readonly capMs?: number;
}

export interface WarmUp {
  /** `cap-too-few-calls`: neither warm by calls nor by cost, whatever the cost did. */
  readonly endedBy: "steady" | "cap-not-steady" | "cap-too-few-calls";
  readonly calls: number;
  readonly windows: readonly { readonly calls: number; readonly costPerCall: number }[];
}

export async function warmUp(options: WarmUpOptions): Promise<WarmUp> {
  const { minCalls = 10_000, maxChange = 0.05, steadyWindows = 3, windowMs = 1000, capMs = 8000 } = options;
  if (!(windowMs > 0)) throw new RangeError(`windowMs must be above 0, got ${windowMs}`);
  if (!(steadyWindows >= 2)) throw new RangeError(`steadyWindows must be at least 2, got ${steadyWindows}`);
  const windows: { calls: number; costPerCall: number }[] = [];
  const first = await options.probe();
  let before = first;
  do {
    await options.drive(windowMs);
    const after = await options.probe();
    const calls = after.calls - before.calls;
    windows.push({ calls, costPerCall: (after.cost - before.cost) / Math.max(1, calls) });
    before = after;
    const total = after.calls - first.calls;
    if (total >= minCalls && isSteady(windows.slice(-steadyWindows), steadyWindows, maxChange)) {
      return { endedBy: "steady", calls: total, windows };
    }
  } while ((windows.length + 1) * windowMs <= capMs);
  const calls = before.calls - first.calls;
  return { endedBy: calls < minCalls ? "cap-too-few-calls" : "cap-not-steady", calls, windows };
}

function isSteady(
  last: readonly { readonly calls: number; readonly costPerCall: number }[],
  windows: number,
  maxChange: number,
): boolean {
  if (last.length < windows || last.some((window) => window.calls === 0)) return false;
  const costs = last.map((window) => window.costPerCall);
  return Math.max(...costs) <= Math.min(...costs) * (1 + maxChange);
}
