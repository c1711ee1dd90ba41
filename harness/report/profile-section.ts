// Where the CPU of a server under load went, as a flame graph and as a table of functions.

import { arms } from "#harness/experiment/arms.ts";
import { flameGraph } from "./flame-graph.ts";
import { table } from "./html-table.ts";
import { number, workloadLabel } from "./phrases.ts";
import type { FrameRecord, ProfileRecord } from "./profile-record.ts";
import type { ReportRecord } from "./report-record.ts";
import { escapeText } from "./svg.ts";

const kinds: readonly (readonly [kind: FrameRecord["kind"], words: string])[] = [
  ["own", "the shop"],
  ["package", "packages"],
  ["node", "Node"],
  ["engine", "V8, native code, system calls"],
];

export const hottestColumns: readonly string[] = ["function", "where", "of the busy time"];

/** Empty for a record without a profile. */
export function profileSection({ profile }: ReportRecord): string {
  if (profile === undefined) return "";
  const legend = kinds.map(([kind, words]) => `<li class="flame-${kind}"><i></i>${words}</li>`);
  return `<section>
<h2>Where the server's CPU goes</h2>
<p>${escapeText(profileInWords(profile))} What runs stands below what called it; hover tells places and shares. Frames under 0.5&#8239;% are part of what they run in.</p>
<ul class="legend">${legend.join("")}</ul>
<figure>${flameGraph(profile.frames, "Flame graph of the server's CPU under load")}</figure>
<h3>Functions by the time of their own</h3>
${table(hottestColumns, hottestRows(profile), "hottest")}
<p class="caption">The whole profile is in <a href="${escapeText(profile.file)}">${escapeText(profile.file)}</a>, which speedscope and the performance panel of Chrome's DevTools open.</p>
</section>`;
}

export function profileInWords({ arm, workloads, seconds, samples, idleShare }: ProfileRecord): string {
  const name = arms.find(({ id }) => id === arm)?.label ?? arm;
  const what = workloads.map((workload) => workloadLabel[workload]).join(" and ");
  return `A profile of ${number(seconds)} s and ${number(samples)} samples of the arm "${name}", under ${what} in turn, as much as it can serve; it was idle for ${number(100 * idleShare)} % of the time. It was taken after the slices of its restart, so no measured number has the profiler in it.`;
}

export function hottestRows({ hottest }: ProfileRecord): string[][] {
  return hottest.map(({ name, place, selfShare }) => [name, place, `${number(100 * selfShare)} %`]);
}
