// Values of types that have a meaning of their own, within the rules of a field: protobuf's, and money.

import type { DescMessage } from "@bufbuild/protobuf";
import fc, { type Arbitrary } from "fast-check";
import type { Rules } from "./contract.ts";
import type { BrokenValue } from "./string-values.ts";

const TYPES: ReadonlySet<string> = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "google.protobuf.FieldMask",
  "google.type.Money",
]);

export function isWellKnown({ typeName }: DescMessage): boolean {
  return TYPES.has(typeName);
}

export function wellKnownArbitrary({ typeName }: DescMessage, rules: Rules): Arbitrary<unknown> {
  switch (typeName) {
    case "google.protobuf.Timestamp":
      return timestamps((rules.timestamp ?? {}) as Record<string, unknown>);
    case "google.protobuf.Duration":
      return durations((rules.duration ?? {}) as Record<string, unknown>);
    case "google.type.Money":
      return money();
    default:
      return masks((rules.fieldMask ?? {}) as Record<string, unknown>);
  }
}

/** In pence: what a shop's amounts are made of. */
function money(): Arbitrary<object> {
  const pence = fc.oneof(fc.constantFrom(0, 1, 99, 100), fc.integer({ min: 0, max: 1_000_000 }));
  return pence.map((amount) => ({
    currencyCode: "GBP",
    units: String(Math.floor(amount / 100)),
    nanos: (amount % 100) * 10_000_000,
  }));
}

const DAY_MS = 86_400_000;

function timestamps({ gtNow, ltNow }: Record<string, unknown>): Arbitrary<string> {
  const min = gtNow === true ? new Date(Date.now() + DAY_MS) : new Date("0001-01-01T00:00:00Z");
  const max = ltNow === true ? new Date(Date.now() - DAY_MS) : new Date("9999-12-31T00:00:00Z");
  return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString());
}

/** The longest that protobuf's Duration can say. */
const MOST_SECONDS = 315_576_000_000;

function durations({ gte, lte, gt, lt }: Record<string, unknown>): Arbitrary<string> {
  const seconds = (value: unknown): number | undefined =>
    typeof value === "string" ? Number.parseFloat(value) : undefined;
  const min = seconds(gte) ?? (gt === undefined ? -MOST_SECONDS : (seconds(gt) ?? 0) + 1);
  const max = seconds(lte) ?? (lt === undefined ? MOST_SECONDS : (seconds(lt) ?? 0) - 1);
  return fc
    .oneof(fc.constantFrom(min, max), fc.integer({ min: Math.ceil(min), max: Math.floor(max) }))
    .map((value) => `${value}s`);
}

function masks(rules: Record<string, unknown>): Arbitrary<string> {
  const allowed = Array.isArray(rules.in) ? rules.in.map(String) : ["displayName", "etag", "noSuchField"];
  return fc
    .uniqueArray(fc.constantFrom(...allowed.map(lowerCamel)), { maxLength: 2 })
    .map((paths) => paths.join(","));
}

/** A mask's paths in JSON. "*" has no JSON form, and is not needed. */
function lowerCamel(path: string): string {
  return path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()).replace("*", "etag");
}

export function brokenWellKnown({ typeName }: DescMessage, rules: Rules): BrokenValue[] {
  if (typeName === "google.protobuf.Duration") {
    const { gte, lte } = (rules.duration ?? {}) as Record<string, unknown>;
    return [
      ...(typeof gte === "string" ? [{ rule: "duration.gte", value: `${Number.parseFloat(gte) - 1}s` }] : []),
      ...(typeof lte === "string" ? [{ rule: "duration.lte", value: `${Number.parseFloat(lte) + 1}s` }] : []),
    ];
  }
  if (typeName === "google.protobuf.Timestamp") {
    const { gtNow, ltNow } = (rules.timestamp ?? {}) as Record<string, unknown>;
    return [
      ...(gtNow === true ? [{ rule: "timestamp.gt_now", value: "2001-01-01T00:00:00Z" }] : []),
      ...(ltNow === true ? [{ rule: "timestamp.lt_now", value: "2999-01-01T00:00:00Z" }] : []),
    ];
  }
  const { in: allowed } = (rules.fieldMask ?? {}) as Record<string, unknown>;
  return Array.isArray(allowed) ? [{ rule: "field_mask.in", value: "noSuchField" }] : [];
}
