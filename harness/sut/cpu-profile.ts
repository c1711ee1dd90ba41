// Reads a .cpuprofile of V8: where the CPU time of a window went, by the code that spent it or had it spent on its behalf.

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Node ids, and the microseconds between each and the one before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  /** Microseconds of the monotonic clock of the machine. */
  readonly startTime: number;
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

/** A part, and whose frames belong to it: "(name) url" is what is matched. */
export type ProfilePart = readonly [name: string, frames: RegExp];

/** What belongs to no part. */
const REST = "rest";

/**
 * Microseconds by part. A sample belongs to the innermost frame of its stack that belongs to any part, so that what a library does for a
 * part counts as that part's. Idle time belongs to nobody.
 */
export function timeByPart(
  { nodes, samples, timeDeltas, startTime }: CpuProfile,
  parts: readonly ProfilePart[],
  window: { readonly from: number; readonly to: number },
): Map<string, number> {
  const partOf = partsOfNodes(nodes, parts);
  const spent = new Map<string, number>(parts.map(([name]) => [name, 0]));
  let now = startTime;
  for (const [index, id] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0;
    now += delta;
    const part = partOf.get(id);
    if (part === undefined || now < window.from || now > window.to) continue;
    spent.set(part, (spent.get(part) ?? 0) + delta);
  }
  return spent;
}

/** Undefined for idle time. */
function partsOfNodes(
  nodes: readonly ProfileNode[],
  parts: readonly ProfilePart[],
): ReadonlyMap<number, string | undefined> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Map<number, string | undefined>();
  const visit = (node: ProfileNode, inherited: string): void => {
    const { functionName, url } = node.callFrame;
    const own = parts.find(([, frames]) => frames.test(`(${functionName}) ${url}`))?.[0];
    found.set(node.id, functionName === "(idle)" ? undefined : (own ?? inherited));
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child !== undefined) visit(child, own ?? inherited);
    }
  };
  const [root] = nodes;
  if (root !== undefined) visit(root, REST);
  return found;
}
