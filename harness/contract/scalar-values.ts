// Numbers, bytes and enums that meet the rules of a field, and such that break one. 64-bit numbers are texts, as in protobuf's JSON.

import { type DescEnum, ScalarType } from "@bufbuild/protobuf";
import fc, { type Arbitrary } from "fast-check";
import type { Rules } from "./contract.ts";
import type { BrokenValue } from "./string-values.ts";

interface Range {
  readonly least: bigint;
  readonly most: bigint;
  readonly never: readonly bigint[];
}

const LIMITS: Partial<Record<ScalarType, readonly [name: string, least: bigint, most: bigint]>> = {
  [ScalarType.INT32]: ["int32", -(2n ** 31n), 2n ** 31n - 1n],
  [ScalarType.SINT32]: ["sint32", -(2n ** 31n), 2n ** 31n - 1n],
  [ScalarType.UINT32]: ["uint32", 0n, 2n ** 32n - 1n],
  [ScalarType.INT64]: ["int64", -(2n ** 63n), 2n ** 63n - 1n],
  [ScalarType.SINT64]: ["sint64", -(2n ** 63n), 2n ** 63n - 1n],
  [ScalarType.UINT64]: ["uint64", 0n, 2n ** 64n - 1n],
};

function rangeOf(
  scalar: ScalarType,
  rules: Rules,
): { range: Range; type: bigint; mostOfType: bigint } | undefined {
  const limits = LIMITS[scalar];
  if (limits === undefined) return undefined;
  const [name, leastOfType, mostOfType] = limits;
  const own = (rules[name] ?? {}) as Record<string, unknown>;
  const bound = (key: string): bigint | undefined =>
    own[key] === undefined ? undefined : BigInt(String(own[key]));
  const least = bound("gte") ?? (bound("gt") === undefined ? leastOfType : (bound("gt") ?? 0n) + 1n);
  const most = bound("lte") ?? (bound("lt") === undefined ? mostOfType : (bound("lt") ?? 0n) - 1n);
  const never = ((own.notIn ?? []) as unknown[]).map((value) => BigInt(String(value)));
  return { range: { least, most, never }, type: leastOfType, mostOfType };
}

/** undefined for a kind of scalar that is no whole number. */
export function wholeNumbers(scalar: ScalarType, rules: Rules): Arbitrary<string> | undefined {
  const found = rangeOf(scalar, rules);
  if (found === undefined) return undefined;
  const { least, most, never } = found.range;
  const edges = [least, most, 0n, 1n, -1n].filter(
    (edge) => edge >= least && edge <= most && !never.includes(edge),
  );
  return fc
    .oneof(fc.constantFrom(...edges), fc.bigInt({ min: least, max: most }))
    .filter((value) => !never.includes(value))
    .map(String);
}

export function brokenNumbers(scalar: ScalarType, rules: Rules): BrokenValue[] {
  const found = rangeOf(scalar, rules);
  if (found === undefined) return [];
  const { least, most, never } = found.range;
  return [
    ...(least > found.type ? [{ rule: "gte", value: String(least - 1n) }] : []),
    ...(most < found.mostOfType ? [{ rule: "lte", value: String(most + 1n) }] : []),
    ...never.map((value) => ({ rule: "not_in", value: String(value) })),
  ];
}

export interface BytesRules {
  readonly len?: string;
  readonly minLen?: string;
  readonly maxLen?: string;
}

const MOST_BYTES = 64;

/** In base64. */
export function bytesArbitrary(rules: BytesRules): Arbitrary<string> {
  const least = Number(rules.len ?? rules.minLen ?? 0);
  const most = Number(rules.len ?? Math.max(least, Math.min(Number(rules.maxLen ?? MOST_BYTES), MOST_BYTES)));
  return fc
    .uint8Array({ minLength: least, maxLength: most })
    .map((bytes) => Buffer.from(bytes).toString("base64"));
}

export function brokenBytes(rules: BytesRules): BrokenValue[] {
  const { len, minLen = len, maxLen } = rules;
  const bytes = (count: number): string => Buffer.alloc(count, 1).toString("base64");
  return [
    ...(Number(minLen ?? 0) > 0
      ? [{ rule: len === undefined ? "min_len" : "len", value: bytes(Number(minLen) - 1) }]
      : []),
    ...(maxLen === undefined ? [] : [{ rule: "max_len", value: bytes(Number(maxLen) + 1) }]),
  ];
}

export interface EnumRules {
  readonly definedOnly?: boolean;
  readonly notIn?: readonly number[];
  readonly in?: readonly number[];
}

/** No enum of the contract has it. */
const UNDEFINED_NUMBER = 7_777;

export function enumArbitrary(desc: DescEnum, rules: EnumRules): Arbitrary<number> {
  const numbers = desc.values
    .map(({ number }) => number)
    .filter((number) => !rules.notIn?.includes(number) && (rules.in?.includes(number) ?? true));
  return fc.constantFrom(...numbers, ...(rules.definedOnly || rules.in ? [] : [UNDEFINED_NUMBER]));
}

export function brokenEnums(rules: EnumRules): BrokenValue[] {
  return [
    ...(rules.definedOnly ? [{ rule: "defined_only", value: UNDEFINED_NUMBER }] : []),
    ...(rules.notIn ?? []).map((value) => ({ rule: "not_in", value })),
  ];
}
