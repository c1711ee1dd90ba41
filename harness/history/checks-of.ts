// What was checked on a commit, for the report of the same commit.

import type { ChecksRecord } from "#harness/report/report-record.ts";
import type { HistoryData } from "./run-entry.ts";

const KINDS: readonly string[] = ["scenarios", "chaos", "load"];

/** The newest run of each kind on it. None for an unknown commit. */
export function checksOf({ runs }: HistoryData, commit: string): ChecksRecord[] {
  const onIt = runs.filter((run) => commit !== "" && run.commit === commit && run.verdicts.length > 0);
  return KINDS.flatMap((kind) => {
    const newest = onIt.filter((run) => run.kind === kind).at(-1);
    if (newest === undefined) return [];
    const { startedAt, command, dirty, verdicts } = newest;
    return [{ kind, startedAt, command, dirty, verdicts }];
  });
}
