// Reads a .cpuprofile of V8: where the CPU time of a window went, by the code that spent it or had it spent on its behalf.

import { pathToFileURL } from "node:url";

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Node ids, and the microseconds between each and the one before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  /** Microseconds of the monotonic clock of the machine. */
  readonly startTime: number;
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** From 0; -1 where there is no source. */
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
}

/**
 * `body` is the JSON text of /debug/profile, or of a file. Addresses of sources become paths in the checkout `directory`, so that a profile
 * tells nothing of where it was taken; whatever else V8 wrote is kept. Throws TypeError for anything but a profile.
 */
export function parseCpuProfile(body: string, directory: string): CpuProfile {
  const profile: unknown = JSON.parse(body);
  if (!isProfile(profile)) {
    throw new TypeError(`/debug/profile: must be a CPU profile, got ${body.slice(0, 100)}`);
  }
  const root = pathToFileURL(directory.endsWith("/") ? directory : `${directory}/`).href;
  const nodes = profile.nodes.map((node) => ({
    ...node,
    callFrame: { ...node.callFrame, url: pathIn(root, node.callFrame.url) },
  }));
  return { ...profile, nodes };
}

function isProfile(value: unknown): value is CpuProfile {
  const { nodes, samples, timeDeltas } = (value ?? {}) as Partial<Record<keyof CpuProfile, unknown>>;
  return Array.isArray(nodes) && Array.isArray(samples) && Array.isArray(timeDeltas);
}

function pathIn(root: string, url: string): string {
  if (url.startsWith(root)) return url.slice(root.length);
  // Packages may be kept elsewhere.
  const packages = url.startsWith("file:") ? url.indexOf("/node_modules/") : -1;
  return packages < 0 ? url : url.slice(packages + 1);
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
