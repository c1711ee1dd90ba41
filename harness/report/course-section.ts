// The course of the run: what each arm did from slice to slice, and what its process used. For seeing drifts, jumps and outliers; effects
// are estimated from pairs of slices elsewhere.

import { arms } from "#harness/experiment/arms.ts";
import type { SliceRecord } from "#harness/experiment/slice-record.ts";
import { details } from "./html-table.ts";
import { scenarioLabel } from "./phrases.ts";
import type { ReportRecord, ScenarioDesign } from "./report-record.ts";
import { escapeText } from "./svg.ts";
import { type TimeSeries, type TimeSeriesOptions, timeSeries } from "./time-series.ts";

/** A slice that counts, of a record that tells when. */
type Timed = SliceRecord & { readonly startedAtMs: number };

interface Course {
  readonly title: string;
  readonly phase: SliceRecord["phase"];
  readonly of: (slice: SliceRecord) => number | null | undefined;
}

const throughput: Course = {
  title: "throughput, calls/s",
  phase: "throughput",
  of: ({ values }) => values.callsPerSecond,
};
const p50: Course = { title: "median latency, ms", phase: "latency", of: ({ values }) => values.p50Ms };
const p99: Course = { title: "p99 latency, ms", phase: "latency", of: ({ values }) => values.p99Ms };
/** Where a slice has too few calls for a p99. */
const p90: Course = { title: "p90 latency, ms", phase: "latency", of: ({ values }) => values.p90Ms };
const use: readonly Course[] = [
  {
    title: "server CPU, % of a core",
    phase: "latency",
    of: ({ process }) => process && 100 * process.cpuShare,
  },
  { title: "event-loop delay, ms", phase: "latency", of: ({ process }) => process?.loopDelayMs },
  { title: "garbage collection, ms/s", phase: "throughput", of: ({ process }) => process?.gcMsPerSecond },
];
const memory: readonly Omit<Course, "phase">[] = [
  { title: "resident memory, MB", of: ({ process }) => process && process.rssBytes / 1e6 },
  { title: "heap in use, MB", of: ({ process }) => process && process.heapUsedBytes / 1e6 },
];
/** Under what load a course was taken. */
const loads: Readonly<Record<SliceRecord["phase"], string>> = {
  throughput: "closed loop: as much as it can do",
  latency: "open loop: the same rate for every arm",
};

/** Empty for a record that does not tell when its slices were. */
export function courseSection(record: ReportRecord): string {
  const slices = record.slices.filter(
    (slice): slice is Timed => slice.startedAtMs !== undefined && slice.invalid === null,
  );
  if (slices.length === 0) return "";
  const begin = Date.parse(record.run.startedAt);
  const [loopback, shaped] = [
    (link: string) => link === "loopback",
    (link: string) => link !== "loopback",
  ].map((is) => record.design.scenarios.filter(({ link }) => is(link)));
  const group = (scenario: ScenarioDesign, courses: readonly Course[]): string =>
    `<h3>${escapeText(capital(scenarioLabel(scenario)))}</h3><div class="grid small">${courses
      .map((course) => byRound(slices, scenario, course, begin))
      .join("\n")}</div>`;
  const latency = (scenario: ScenarioDesign): Course =>
    slices.some((slice) => isOf(slice, scenario) && slice.values.p99Ms !== null) ? p99 : p90;
  return `<section>
<h2>The course of the run</h2>
<p>Each point is a slice, each line one process: a restart starts all arms anew. Under the lines stands when a restart's slices began, in minutes and seconds of the run; but for memory, the time between slices is left out. p90 stands for p99 where a slice has too few calls.</p>
${legend()}
${(loopback ?? []).map((scenario) => group(scenario, [throughput, p50, latency(scenario), ...use])).join("\n")}
<h3>Memory</h3>
<div class="grid small">${memory.map((course) => byTime(slices, course, begin, record.run.elapsedSeconds)).join("\n")}</div>
${details("Over the shaped link", (shaped ?? []).map((scenario) => group(scenario, [throughput, p50, latency(scenario)])).join("\n"))}
</section>`;
}

/** Between restarts, in rounds, so that their lines do not touch. */
const gap = 0.5;

/** Slices of one scenario in their order. */
function byRound(slices: readonly Timed[], scenario: ScenarioDesign, course: Course, begin: number): string {
  const own = slices
    .filter((slice) => isOf(slice, scenario) && slice.phase === course.phase)
    .sort((a, b) => a.startedAtMs - b.startedAtMs);
  const key = ({ restart, round }: Timed): string => `${restart} ${round}`;
  const rounds = [...new Set(own.map(key))];
  const places = new Map(rounds.map((round, i) => [round, i + gap * Number(round.split(" ")[0])]));
  const at = (slice: Timed): number => places.get(key(slice)) ?? 0;
  const marks = [...Map.groupBy(own, ({ restart }) => restart).values()].map((ofRestart) => ({
    x: Math.min(...ofRestart.map(at)) - gap / 2,
    text: clock(earliest(ofRestart) - begin),
  }));
  return chart(course.title, loads[course.phase], seriesOf(own, course, at), {
    reach: [-gap, Math.max(0, ...own.map(at)) + gap],
    marks,
    description: `${course.title}, ${scenarioLabel(scenario)}, over the run`,
  });
}

/** All slices at their time. */
function byTime(
  slices: readonly Timed[],
  course: (typeof memory)[number],
  begin: number,
  elapsedSeconds: number,
): string {
  const seconds = ({ startedAtMs }: Timed): number => (startedAtMs - begin) / 1000;
  const marks = [...Map.groupBy(slices, ({ restart }) => restart).values()].map((ofRestart) => ({
    x: (earliest(ofRestart) - begin) / 1000,
    text: clock(earliest(ofRestart) - begin),
  }));
  return chart(course.title, "whatever the load", seriesOf(slices, course, seconds), {
    reach: [Math.min(...marks.map(({ x }) => x)), elapsedSeconds],
    marks,
    description: `${course.title}, over the run`,
  });
}

function seriesOf(
  slices: readonly Timed[],
  { of }: Pick<Course, "of">,
  x: (slice: Timed) => number,
): TimeSeries[] {
  const restarts = [...new Set(slices.map(({ restart }) => restart))].sort((a, b) => a - b);
  return arms.map(({ id, label }) => ({
    name: label,
    className: `arm-${id.replace("+", "-")}`,
    stretches: restarts.map((restart) => ({
      name: `restart ${restart + 1}`,
      points: slices
        .filter((slice) => slice.arm === id && slice.restart === restart)
        .flatMap((slice) => {
          const y = of(slice);
          return y === null || y === undefined ? [] : [{ x: x(slice), y }];
        })
        .sort((a, b) => a.x - b.x),
    })),
  }));
}

function chart(
  title: string,
  caption: string,
  series: readonly TimeSeries[],
  options: TimeSeriesOptions,
): string {
  return `<figure><h3>${escapeText(title)}</h3>${timeSeries(series, options)}<figcaption>${escapeText(caption)}</figcaption></figure>`;
}

function legend(): string {
  const items = arms.map(
    ({ id, label }) => `<li class="arm-${id.replace("+", "-")}"><i></i>${escapeText(label)}</li>`,
  );
  return `<ul class="legend">${items.join("")}</ul>`;
}

function isOf(slice: SliceRecord, { workload, link }: ScenarioDesign): boolean {
  return slice.workload === workload && slice.link === link;
}

function earliest(slices: readonly Timed[]): number {
  return Math.min(...slices.map(({ startedAtMs }) => startedAtMs));
}

/** Minutes and seconds. */
function clock(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
