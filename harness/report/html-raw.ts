// The raw material, folded away: restarts, slices, and the rows of the data that were left out.

import { details, table } from "./html-table.ts";
import { number, scenarioLabel, some } from "./phrases.ts";
import type { ReportRecord } from "./report-record.ts";

export function rawSection(record: ReportRecord): string {
  return `<section>
<h2>Raw data</h2>
<p>Everything here and more is in report.json, which its schema describes.</p>
${details(`${record.restarts.length} restarts`, restartTable(record))}
${details(`${record.slices.length} slices`, sliceTable(record))}
${leftOut(record)}
</section>`;
}

function restartTable({ restarts }: ReportRecord): string {
  return table(
    ["restart", "order", "seconds", "canary before", "canary after", "start, ms", "warm-up calls", "steady"],
    restarts.map((restart) => [
      String(restart.restart),
      restart.order.join(", "),
      number(restart.seconds),
      number(restart.canaryBefore),
      number(restart.canaryAfter),
      restart.arms.map((arm) => number(arm.startMs)).join(", "),
      restart.arms.map((arm) => number(arm.warmUpCalls)).join(", "),
      restart.arms.map((arm) => (arm.steady ? "yes" : "no")).join(", "),
    ]),
  );
}

function sliceTable({ slices }: ReportRecord): string {
  const shown = (value: number | null) => (value === null ? "–" : number(value));
  return table(
    [
      "scenario",
      "restart",
      "round",
      "phase",
      "arm",
      "calls",
      "calls/s",
      "CPU µs",
      "p50 ms",
      "p99 ms",
      "alloc B",
      "wire B",
      "generator",
      "does not count",
    ],
    slices.map((slice) => [
      scenarioLabel(slice),
      String(slice.restart),
      String(slice.round),
      slice.phase,
      slice.arm,
      String(slice.calls),
      shown(slice.values.callsPerSecond),
      shown(slice.values.cpuMicrosPerCall),
      shown(slice.values.p50Ms),
      shown(slice.values.p99Ms),
      shown(slice.values.allocatedBytesPerCall),
      shown(slice.values.wireBytesPerCall),
      `${number(slice.generatorUtilization * 100)} %`,
      slice.invalid ?? "",
    ]),
  );
}

function leftOut({ data }: ReportRecord): string {
  const rows = [
    ...data.rejected.map((group) => [group.reason, String(group.count), some(group.rows, 200)]),
    ...data.importErrors.map((group) => [`refused by the system: ${group.reason}`, String(group.count), ""]),
  ];
  if (rows.length === 0) return "";
  return details(
    "Rows of the data that were left out",
    table(["reason", "count", "for example"], rows, "text"),
  );
}
