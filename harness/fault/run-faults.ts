// Plays a plan of faults against a running system. Whatever happens, every fault of the plan is healed when this ends.

import type { Fault } from "./fault.ts";
import type { PlannedFault } from "./fault-schedule.ts";
import { type LinkClock, systemLinkClock } from "./link-clock.ts";

export interface StruckFault {
  /** Its name. */
  readonly fault: string;
  readonly about: string;
  /** When it began to strike, from the beginning of the run. */
  readonly struckAtMs: number;
  /** When it was healed: the system was disturbed at some time between the two. */
  readonly healedAtMs: number;
}

export interface RunFaultsOptions {
  /** Ends the run early, as a run that is over: what is on is healed. */
  readonly signal: AbortSignal;
  /** Told of each step, such as "latency strikes". */
  readonly onStep?: (text: string) => void;
  readonly clock?: LinkClock;
}

interface Step {
  readonly atMs: number;
  readonly fault: Fault;
  readonly what: "strikes" | "heals";
}

/**
 * What struck, in the order of its healing. The steps of the plan come one after another, so that never more faults are on at a
 * time than planned; the time that a step itself takes (a restart, say) comes on top of the plan. Rejects, after healing everything,
 * with the failure of a fault to strike or to heal, and with RangeError for a plan that names a fault that is not there.
 */
export async function runFaults(
  plan: readonly PlannedFault[],
  faults: readonly Fault[],
  options: RunFaultsOptions,
): Promise<StruckFault[]> {
  const { signal, onStep = () => {}, clock = systemLinkClock } = options;
  const steps = stepsOf(plan, faults);
  const beganMs = clock.nowMs();
  const sinceMs = (): number => clock.nowMs() - beganMs;
  const on = new Map<Fault, number>();
  const record: StruckFault[] = [];
  const heal = async (fault: Fault): Promise<void> => {
    await fault.heal();
    const struckAtMs = on.get(fault);
    if (struckAtMs === undefined) return;
    on.delete(fault);
    record.push({ fault: fault.name, about: fault.about, struckAtMs, healedAtMs: sinceMs() });
  };
  const play = async (): Promise<void> => {
    let lastMs = 0;
    for (const { atMs, fault, what } of steps) {
      await pause(atMs - lastMs, signal, clock);
      if (signal.aborted) return;
      lastMs = atMs;
      onStep(`${fault.name} ${what}`);
      if (what === "heals") {
        await heal(fault);
      } else {
        on.set(fault, sinceMs());
        await fault.strike();
      }
    }
  };
  const [played] = await Promise.allSettled([play()]);
  // Those that are not on as well: what a strike that failed has left behind.
  const healed = await Promise.allSettled([...new Set(steps.map(({ fault }) => fault))].map(heal));
  const failures = [played, ...healed]
    .filter((each) => each.status === "rejected")
    .map(({ reason }) => reason);
  if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join("; "));
  if (failures.length === 1) throw failures[0];
  return record;
}

/** Where one fault ends when another begins, the end comes first. */
function stepsOf(plan: readonly PlannedFault[], faults: readonly Fault[]): Step[] {
  const named = new Map(faults.map((fault) => [fault.name, fault]));
  const steps = plan.flatMap(({ atMs, forMs, fault: name }): Step[] => {
    const fault = named.get(name);
    if (fault === undefined) {
      throw new RangeError(`the plan names ${name}, which is none of ${[...named.keys()].join(", ")}`);
    }
    return [
      { atMs, fault, what: "strikes" },
      { atMs: atMs + forMs, fault, what: "heals" },
    ];
  });
  return steps.sort((a, b) => a.atMs - b.atMs || Number(a.what === "strikes") - Number(b.what === "strikes"));
}

/** Resolves early when the signal says so. */
function pause(ms: number, signal: AbortSignal, clock: LinkClock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) return Promise.resolve();
  const cancel = clock.after(ms, resolve);
  const stop = (): void => {
    cancel();
    resolve();
  };
  signal.addEventListener("abort", stop, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", stop));
}
