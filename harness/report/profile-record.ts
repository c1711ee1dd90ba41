// The profile of a server under load as a record keeps it: the frames of its flame graph as one list, and its hottest functions. The whole
// profile stands beside the record, for a tool that opens it.

import type { ServerProfile } from "#harness/experiment/server-profile.ts";
import type { WorkloadId } from "#harness/experiment/slice-record.ts";

/** Beside report.json. */
export const profileFile = "server.cpuprofile";

type Frame = ServerProfile["tree"]["frames"][number];

export interface ProfileRecord {
  readonly arm: string;
  /** Whose requests took turns, over loopback, in a closed loop. */
  readonly workloads: readonly WorkloadId[];
  readonly seconds: number;
  readonly samples: number;
  /** Of the time of the profile, 0 to 1. All other shares are of the busy time. */
  readonly idleShare: number;
  readonly file: typeof profileFile;
  /** Each stands before what runs in it, which is one deeper. */
  readonly frames: readonly FrameRecord[];
  /** Functions by the time of their own, most first. */
  readonly hottest: readonly Omit<FrameRecord, "depth" | "start" | "share">[];
}

export interface FrameRecord {
  /** From 0. */
  readonly depth: number;
  /** Where it begins, and how long it is, as shares of the busy time. */
  readonly start: number;
  readonly share: number;
  readonly selfShare: number;
  readonly name: string;
  /** Source and line; empty where there is none. */
  readonly place: string;
  /** Whose code it is; `engine` is V8 and what lies below. */
  readonly kind: Frame["kind"];
}

export function profileRecord({ arm, workloads, seconds, profile, tree }: ServerProfile): ProfileRecord {
  const { idleMicros, busyMicros } = tree;
  return {
    arm,
    workloads,
    seconds,
    samples: profile.samples.length,
    idleShare: idleMicros / Math.max(1, idleMicros + busyMicros),
    file: profileFile,
    frames: inOneList(tree.frames, 0, 0),
    hottest: tree.hottest,
  };
}

function inOneList(frames: readonly Frame[], depth: number, from: number): FrameRecord[] {
  let start = from;
  return frames.flatMap(({ children, ...frame }) => {
    const own = { depth, start: Number(start.toFixed(5)), ...frame };
    const inside = inOneList(children, depth + 1, start);
    start += frame.share;
    return [own, ...inside];
  });
}
