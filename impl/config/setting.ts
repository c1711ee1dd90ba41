// The kinds of settings: how a text is read, and which rule it must keep.
import type { BucketLimit } from "#impl/middleware/token-bucket.ts";

export interface Setting<T> {
  readonly about: string;
  readonly defaultText: string;
  readonly read: (text: string | undefined) => T;
}

export class BadValue extends Error {}

/** A bad value that must not be shown. */
export class BadSecret extends BadValue {}

export function integer(about: string, byDefault: number, min: number, max: number): Setting<number> {
  return {
    about: `${about} ${min} to ${max}.`,
    defaultText: String(byDefault),
    read(text = String(byDefault)) {
      const value = Number(text);
      if (text.trim() === "" || !Number.isInteger(value) || value < min || value > max) {
        throw new BadValue(`must be an integer from ${min} to ${max}`);
      }
      return value;
    },
  };
}

export function optionalInteger(about: string, min: number, max: number): Setting<number | undefined> {
  const { about: description, read } = integer(about, min, min, max);
  return {
    about: description,
    defaultText: "",
    read: (value) => (value === undefined || value === "" ? undefined : read(value)),
  };
}

export function ratio(about: string, byDefault: number): Setting<number> {
  return {
    about: `${about} 0 to 1.`,
    defaultText: String(byDefault),
    read(text = String(byDefault)) {
      const value = Number(text);
      if (text.trim() === "" || !(value >= 0 && value <= 1))
        throw new BadValue("must be a number from 0 to 1");
      return value;
    },
  };
}

export function oneOf<const T extends string>(about: string, values: readonly T[], byDefault: T): Setting<T> {
  return {
    about: `${about} One of ${values.join(", ")}.`,
    defaultText: byDefault,
    read(text = byDefault) {
      const value = values.find((candidate) => candidate === text);
      if (value === undefined) throw new BadValue(`must be one of ${values.join(", ")}`);
      return value;
    },
  };
}

export function text(about: string, byDefault: string): Setting<string> {
  return { about, defaultText: byDefault, read: (value = byDefault) => value };
}

export function optional(about: string): Setting<string | undefined> {
  return { about, defaultText: "", read: (value) => (value === "" ? undefined : value) };
}

const SECRET_BYTES = 32;

export function secret(about: string): Setting<string | undefined> {
  return {
    about: `${about} At least ${SECRET_BYTES} bytes.`,
    defaultText: "",
    read(value) {
      if (value === undefined || value === "") return undefined;
      if (Buffer.byteLength(value) < SECRET_BYTES) {
        throw new BadSecret(`must have at least ${SECRET_BYTES} bytes`);
      }
      return value;
    },
  };
}

/** "per second/burst", such as "50/100"; "0" is no limit. */
export function rate(about: string, byDefault: string): Setting<BucketLimit | undefined> {
  return {
    about: `${about} Calls a second/burst; 0 is off.`,
    defaultText: byDefault,
    read(text = byDefault) {
      if (text.trim() === "0") return undefined;
      const [, perSecond, burst] = (/^(\d{1,7}(?:\.\d+)?)\/(\d{1,9})$/.exec(text.trim()) ?? []).map(Number);
      if (
        perSecond === undefined ||
        burst === undefined ||
        !(perSecond > 0 && perSecond <= 1_000_000 && burst > 0)
      ) {
        throw new BadValue("must be 0, or at most 1000000 a second and a whole number, such as 50/100");
      }
      return Object.freeze({ perSecond, burst });
    },
  };
}
