// A CPU profile as a tree of frames for people: what runs in what, with readable names, without what is too small to see, and without the
// time that the profiler took to start and to stop.

import type { CpuProfile, ProfileNode } from "./cpu-profile.ts";

/** Whose code a frame is: ours, a package's, Node's own, or V8 and the kernel. */
export type FrameKind = "own" | "package" | "node" | "engine";

export interface FlameFrame {
  readonly name: string;
  /** Where it stands, such as "impl/runtime/pipeline.ts:40" or "@grpc/grpc-js server-call.js:12"; empty without a source. */
  readonly place: string;
  readonly kind: FrameKind;
  /** Of the busy time, 0 to 1, with all that runs in it. */
  readonly share: number;
  /** The part of it in which the frame itself ran, or something too small to be shown. */
  readonly selfShare: number;
  /** Largest first. */
  readonly children: readonly FlameFrame[];
}

export interface FlameTree {
  readonly busyMicros: number;
  readonly idleMicros: number;
  /** What stands at the bottom of the stacks. */
  readonly frames: readonly FlameFrame[];
  /** Functions by the time of their own, wherever they were called from, most first; nothing is too small here. */
  readonly hottest: readonly Omit<FlameFrame, "share" | "children">[];
}

export interface FlameTreeOptions {
  /** Frames with a smaller share of the busy time become part of what they run in. Default 0.005. */
  readonly leastShare?: number;
  /** Length of `hottest`. Default 15. */
  readonly hottest?: number;
}

export function flameTree(profile: CpuProfile, options: FlameTreeOptions = {}): FlameTree {
  const { leastShare = 0.005, hottest = 15 } = options;
  const own = ownMicros(profile);
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const [root] = profile.nodes;
  const idle = profile.nodes.filter(({ callFrame }) => callFrame.functionName === "(idle)");
  const idleMicros = idle.reduce((sum, { id }) => sum + (own.get(id) ?? 0), 0);
  for (const { id, callFrame } of profile.nodes) {
    if (callFrame.url.startsWith("node:inspector")) own.delete(id);
  }
  const outermost = childrenOf(root, byId).filter((node) => !idle.includes(node));
  const whole = outermost.map((node) => gather(node, byId, own));
  const merged = mergeAlike(whole);
  const busyMicros = merged.reduce((sum, frame) => sum + frame.micros, 0);
  return {
    busyMicros,
    idleMicros,
    frames: shown(merged, busyMicros, leastShare),
    hottest: hottestOf(merged, busyMicros).slice(0, hottest),
  };
}

/** A frame while it is added up. */
interface Gathered {
  readonly name: string;
  readonly place: string;
  readonly kind: FrameKind;
  readonly micros: number;
  readonly selfMicros: number;
  readonly children: readonly Gathered[];
}

/** By node: the time until each sample belongs to what it found. */
function ownMicros({ samples, timeDeltas }: CpuProfile): Map<number, number> {
  const own = new Map<number, number>();
  for (const [index, id] of samples.entries()) {
    own.set(id, (own.get(id) ?? 0) + Math.max(0, timeDeltas[index] ?? 0));
  }
  return own;
}

function childrenOf(node: ProfileNode | undefined, byId: ReadonlyMap<number, ProfileNode>): ProfileNode[] {
  return (node?.children ?? []).flatMap((id) => byId.get(id) ?? []);
}

function gather(
  node: ProfileNode,
  byId: ReadonlyMap<number, ProfileNode>,
  own: ReadonlyMap<number, number>,
): Gathered {
  const children = mergeAlike(childrenOf(node, byId).map((child) => gather(child, byId, own)));
  const selfMicros = own.get(node.id) ?? 0;
  const micros = children.reduce((sum, child) => sum + child.micros, selfMicros);
  return { ...describe(node.callFrame), micros, selfMicros, children };
}

/** One function may stand several times beside itself, once for each version of its code. */
function mergeAlike(frames: readonly Gathered[]): Gathered[] {
  const groups = Map.groupBy(frames, ({ name, place }) => `${name} ${place}`);
  const merged = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    if (group.length === 1) return [first];
    return [
      {
        ...first,
        micros: group.reduce((sum, { micros }) => sum + micros, 0),
        selfMicros: group.reduce((sum, { selfMicros }) => sum + selfMicros, 0),
        children: mergeAlike(group.flatMap(({ children }) => children)),
      },
    ];
  });
  return merged.sort((a, b) => b.micros - a.micros);
}

function shown(frames: readonly Gathered[], busyMicros: number, leastShare: number): FlameFrame[] {
  return frames.flatMap(({ name, place, kind, micros, children }) => {
    if (micros === 0 || micros < busyMicros * leastShare) return [];
    const kept = shown(children, busyMicros, leastShare);
    const share = rounded(micros / busyMicros);
    const inside = kept.reduce((sum, child) => sum + child.share, 0);
    return [{ name, place, kind, share, selfShare: rounded(Math.max(0, share - inside)), children: kept }];
  });
}

function hottestOf(frames: readonly Gathered[], busyMicros: number): FlameTree["hottest"] {
  const all = frames.flatMap(function within(frame): Gathered[] {
    return [frame, ...frame.children.flatMap(within)];
  });
  const groups = Map.groupBy(all, ({ name, place }) => `${name} ${place}`);
  return [...groups.values()]
    .flatMap((group) => {
      const [first] = group;
      const micros = group.reduce((sum, { selfMicros }) => sum + selfMicros, 0);
      if (first === undefined || micros === 0) return [];
      const { name, place, kind } = first;
      return [{ name, place, kind, selfShare: rounded(micros / busyMicros) }];
    })
    .sort((a, b) => b.selfShare - a.selfShare);
}

/** What V8 gives a name in brackets. */
const ENGINE_NAMES: ReadonlyMap<string, string> = new Map([
  ["(program)", "native code and system calls"],
  ["(garbage collector)", "garbage collection"],
]);

function describe({
  functionName,
  url,
  lineNumber,
}: ProfileNode["callFrame"]): Pick<Gathered, "name" | "place" | "kind"> {
  const engine = ENGINE_NAMES.get(functionName);
  if (engine !== undefined) return { name: engine, place: "", kind: "engine" };
  if (url === "") return { name: functionName || "(anonymous)", place: "built in", kind: "engine" };
  const line = lineNumber < 0 ? "" : `:${lineNumber + 1}`;
  // A function without a name is called by its place.
  const name = functionName === "" ? `${url.slice(url.lastIndexOf("/") + 1)}${line}` : functionName;
  const library = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)\/(?:.*\/)?([^/]+)$/.exec(url);
  if (library !== null) return { name, place: `${library[1]} ${library[2]}${line}`, kind: "package" };
  return { name, place: `${url}${line}`, kind: url.startsWith("node:") ? "node" : "own" };
}

/** More digits than can be seen would only make a record larger. */
function rounded(share: number): number {
  return Number(share.toFixed(5));
}
