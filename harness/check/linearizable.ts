// Linearizability, after Wing and Gong with Lowe's memo: is there one order of all operations that keeps the order of those that did not
// overlap, and in which every answer is right? Keys are judged one by one, which is the same as all together. An operation without a known
// outcome may stand anywhere after its call, or nowhere. Exponential at worst: it gives up after so many steps, and then nothing is known.

import type { Outcome } from "./history.ts";
import { judge, judged, type Verdict } from "./verdict.ts";

export interface Operation<I, O> {
  /** What it is about. Operations of different keys have nothing to do with each other. */
  readonly key: string;
  readonly input: I;
  readonly outcome: Outcome;
  /** Of an ok one. */
  readonly output?: O;
  /** On any clock that all operations share. */
  readonly calledAt: number;
  /** Of one whose outcome is known. */
  readonly returnedAt: number;
}

/** A specification that takes one operation at a time. */
export interface Model<S, I, O> {
  initial(key: string): S;
  /** The state after an operation that ended so; undefined where it cannot have ended so. One that is unknown took effect. */
  step(state: S, operation: Operation<I, O>): S | undefined;
  /** Two states are the same when this is. */
  nameOf(state: S): string;
  /** For people; two inputs are the same when this is. */
  describe(input: I): string;
}

export interface LinearizableOptions {
  /** States of the search that are looked at for one key before it is given up. Default 200 000: seconds, and some 100 MB. */
  readonly mostSteps?: number;
}

const MOST_STEPS = 200_000;
const MOST_OPERATIONS_TOLD = 5;

export function linearizable<S, I, O>(
  claim: string,
  operations: readonly Operation<I, O>[],
  model: Model<S, I, O>,
  { mostSteps = MOST_STEPS }: LinearizableOptions = {},
): Verdict {
  return judged(claim, () => {
    const answers = [...Map.groupBy(operations, ({ key }) => key)].map(([key, ofKey]) =>
      searchOrder(key, ofKey, model, mostSteps),
    );
    const wrong = answers.flatMap(({ found, why }) => (found === "none" ? [why] : []));
    const unclear = answers.flatMap(({ found, why }) => (found === "gave up" ? [why] : []));
    const known = operations.filter(({ outcome }) => outcome !== "unknown").length;
    if (wrong.length > 0 || unclear.length === 0) return judge(claim, known, wrong);
    return { claim, outcome: "unknown", checked: known, evidence: unclear };
  });
}

interface Found {
  readonly found: "an order" | "none" | "gave up";
  readonly why: string;
}

/** In the order of their calls. */
interface History<I, O> {
  readonly known: readonly Operation<I, O>[];
  readonly doubtful: readonly Operation<I, O>[];
}

/** What has an order so far, and the state after it. Bits, since most of it lies behind. */
interface Place<S> {
  /** All known ones before this one are done ... */
  readonly prefix: number;
  /** ... and of those from it on these, ... */
  readonly ahead: bigint;
  /** ... and these of the doubtful ones. */
  readonly taken: bigint;
  readonly count: number;
  readonly state: S;
}

function searchOrder<S, I, O>(
  key: string,
  operations: readonly Operation<I, O>[],
  model: Model<S, I, O>,
  mostSteps: number,
): Found {
  const sorted = operations.toSorted((a, b) => a.calledAt - b.calledAt);
  const history = {
    known: sorted.filter(({ outcome }) => outcome !== "unknown"),
    doubtful: sorted.filter(({ outcome }) => outcome === "unknown"),
  };
  const visited = new Set<string>();
  const open: Place<S>[] = [{ prefix: 0, ahead: 0n, taken: 0n, count: 0, state: model.initial(key) }];
  let furthest = open[0];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (place.prefix === history.known.length) return { found: "an order", why: "" };
    const { prefix, ahead, taken } = place;
    const name = `${prefix} ${ahead.toString(16)} ${taken.toString(16)} ${model.nameOf(place.state)}`;
    if (visited.has(name)) continue;
    if (visited.size === mostSteps) {
      return { found: "gave up", why: `${key}: no order was found in ${mostSteps} steps` };
    }
    visited.add(name);
    if (furthest === undefined || place.count > furthest.count) furthest = place;
    // The last one is taken first: what is known before what is in doubt, and what ended first before the rest.
    for (const candidate of candidates(history, place, model).reverse()) {
      const state = model.step(place.state, candidate.operation);
      if (state !== undefined) open.push(after(place, candidate, state));
    }
  }
  return { found: "none", why: contradiction(key, history, furthest, model) };
}

function after<S>(place: Place<S>, { ahead, taken }: Candidate<unknown, unknown>, state: S): Place<S> {
  const next = { ...place, ahead: place.ahead | ahead, taken: place.taken | taken };
  while ((next.ahead & 1n) !== 0n) {
    next.ahead >>= 1n;
    next.prefix += 1;
  }
  return { ...next, count: place.count + 1, state };
}

function bitOf(index: number): bigint {
  return 1n << BigInt(index);
}

interface Candidate<I, O> {
  readonly operation: Operation<I, O>;
  /** Its bit: one of the two. */
  readonly ahead: bigint;
  readonly taken: bigint;
}

/** What may come next: whatever was called before the first of the rest returned. Of unknown ones that are alike, the first serves. */
function candidates<S, I, O>(
  { known, doubtful }: History<I, O>,
  place: Place<S>,
  model: Model<S, I, O>,
): Candidate<I, O>[] {
  const found: Candidate<I, O>[] = [];
  let firstReturn = Number.POSITIVE_INFINITY;
  for (let i = place.prefix; i < known.length; i++) {
    const operation = known[i];
    if (operation === undefined || operation.calledAt > firstReturn) break;
    const ahead = bitOf(i - place.prefix);
    if ((place.ahead & ahead) !== 0n) continue;
    found.push({ operation, ahead, taken: 0n });
    firstReturn = Math.min(firstReturn, operation.returnedAt);
  }
  found.sort((a, b) => a.operation.returnedAt - b.operation.returnedAt);
  const alike = new Map<string, Candidate<I, O>>();
  for (const [i, operation] of doubtful.entries()) {
    if (operation.calledAt > firstReturn) break;
    const [taken, input] = [bitOf(i), model.describe(operation.input)];
    if ((place.taken & taken) === 0n && !alike.has(input)) alike.set(input, { operation, ahead: 0n, taken });
  }
  return [...found, ...alike.values()];
}

function contradiction<S, I, O>(
  key: string,
  history: History<I, O>,
  furthest: Place<S> | undefined,
  model: Model<S, I, O>,
): string {
  if (furthest === undefined) return `${key}: no order explains it`;
  const next = candidates(history, furthest, model)
    .slice(0, MOST_OPERATIONS_TOLD)
    .map(({ operation: { input, outcome, output } }) => {
      return `${model.describe(input)} ended ${outcome}${output === undefined ? "" : ` with ${output}`}`;
    });
  return `${key}: after ${furthest.count} of ${history.known.length + history.doubtful.length} operations the state is ${model.nameOf(furthest.state)}, and then none of these can be: ${next.join("; ")}`;
}
