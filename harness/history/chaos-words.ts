// What a run of chaos did and how long it took to recover, in sentences, from the fields that only its record has.

import { number } from "#harness/report/phrases.ts";

interface ChaosFields {
  readonly attempts?: { readonly ok: number; readonly fail: number; readonly unknown: number };
  readonly faults?: readonly {
    readonly fault: string;
    readonly about: string;
    readonly times: number;
    /** From the beginning of its healing to the first call that succeeded; null where none did. */
    readonly recoveryMs: readonly (number | null)[];
  }[];
}

/** Empty for a record that tells neither faults nor attempts. Written by us, so what is there has its shape. */
export function chaosWords(record: object): string[] {
  const { attempts, faults = [] } = record as ChaosFields;
  return [
    ...faults.map(
      ({ fault, about, times, recoveryMs }) =>
        `${fault} (${about}) struck ${number(times)} ${times === 1 ? "time" : "times"}; ${recovery(recoveryMs)}.`,
    ),
    ...(attempts === undefined
      ? []
      : [
          `Of the orders meanwhile ${number(attempts.ok)} were acknowledged, ${number(attempts.fail)} refused, and ${number(attempts.unknown)} remained unknown to their sender.`,
        ]),
  ];
}

function recovery(times: readonly (number | null)[]): string {
  const known = times.filter((ms) => ms !== null).sort((a, b) => a - b);
  const never = times.length - known.length;
  const [median, worst] = [known[Math.floor((known.length - 1) / 2)], known.at(-1)];
  if (median === undefined || worst === undefined) return "no call succeeded after it";
  const lost = never === 0 ? "" : `, and ${never} times none did`;
  return `the first call succeeded ${number(median)} ms after its healing began (median; longest ${number(worst)} ms)${lost}`;
}
