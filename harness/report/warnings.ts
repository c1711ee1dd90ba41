// What a reader must know before believing the numbers, from the record itself. Rules fixed beforehand; each names its limit.

import { number } from "./phrases.ts";
import type { ReportRecord } from "./report-record.ts";

const stealLimit = 0.02;
const canaryLimit = 0.1;
const invalidLimit = 0.05;

export function warningsOf(record: Omit<ReportRecord, "warnings">): string[] {
  const { environment, restarts, generator, slices, design, data } = record;
  const { machine } = environment;
  const canaries = restarts.flatMap((restart) => [restart.canaryBefore, restart.canaryAfter]);
  const drift = canaries.length === 0 ? 0 : 1 - Math.min(...canaries) / Math.max(...canaries);
  const invalidShare = generator.invalidSlices / Math.max(1, slices.length);
  const cold = restarts.flatMap((restart) => restart.arms).filter((arm) => !arm.steady).length;
  const arms = restarts.flatMap((restart) => restart.arms).length;
  const refused = data.importErrors.reduce((sum, group) => sum + group.count, 0);
  const rules: readonly (readonly [broken: boolean, text: string])[] = [
    [
      environment.loadBefore > machine.cores / 2,
      `The machine was busy before the run began: load average ${number(environment.loadBefore)} on ${machine.cores} cores.`,
    ],
    [
      (environment.stealShare ?? 0) > stealLimit,
      `The hypervisor took ${percent(environment.stealShare ?? 0)} of the machine's time for others.`,
    ],
    [drift > canaryLimit, `The machine's speed moved by ${percent(drift)} during the run.`],
    [
      !environment.pinning.startsWith("generator on"),
      `Generator and server may have shared a core (${environment.pinning}).`,
    ],
    [
      restarts.length < design.restartsPlanned,
      `Only ${restarts.length} of ${design.restartsPlanned} planned restarts fitted into the time.`,
    ],
    [
      invalidShare > invalidLimit,
      `${generator.invalidSlices} of ${slices.length} slices did not count, and their rounds were left out for every arm.`,
    ],
    [
      cold > arms / 2,
      `${cold} of ${arms} arms had not settled when their warm-up ended: too few calls, or CPU per call still moving by more than 5 %.`,
    ],
    [refused > 0, `The system refused ${refused} rows of the import; they are listed below.`],
  ];
  return rules.flatMap(([broken, text]) => (broken ? [text] : []));
}

function percent(share: number): string {
  return `${number(share * 100)} %`;
}
