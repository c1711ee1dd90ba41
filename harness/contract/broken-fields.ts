// One violation at a time: for each rule of each field of a request, what to put there so that the rule and no other is broken. Fields of
// messages inside are reached through a message that is whole otherwise; of a map, an entry is put in its place.

import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import type { Contract, Rules } from "./contract.ts";
import { type BytesRules, brokenBytes, brokenEnums, brokenNumbers, type EnumRules } from "./scalar-values.ts";
import { type BrokenValue, brokenTexts, type StringRules } from "./string-values.ts";
import { brokenWellKnown, isWellKnown } from "./well-known-values.ts";

/** A step into a message: a field, or the first item of one that is repeated. */
export interface Step {
  readonly jsonName: string;
  readonly repeated: boolean;
}

export interface Breakage {
  /** As a BadRequest names it, such as "order.lines[0].quantity" or "labels[\"zone\"]". */
  readonly field: string;
  readonly steps: readonly Step[];
  readonly rule: string;
  /** In protobuf's JSON; undefined: the field is left out. */
  readonly value: unknown;
  /** One of several that exclude each other: it can be broken only where it is the one. */
  readonly inOneof: boolean;
}

const DEPTH = 3;

export function breakagesOf(message: DescMessage, contract: Contract): Breakage[] {
  return inside(message, contract, [], "", DEPTH);
}

function inside(
  message: DescMessage,
  contract: Contract,
  steps: readonly Step[],
  prefix: string,
  depth: number,
): Breakage[] {
  if (depth === 0) return [];
  return message.fields.flatMap((field) => {
    const path = `${prefix}${field.name}`;
    const repeated = field.fieldKind === "list";
    // Looked at by its service, one by one, so that one that is wrong does not end a stream of thousands.
    if (contract.rulesOf(field).ignore === "IGNORE_ALWAYS") return [];
    const own = [...steps, { jsonName: field.jsonName, repeated: false }];
    const here = brokenValues(field, contract.rulesOf(field)).map(({ rule, value, key }) => ({
      field: key === undefined ? path : `${path}${pathToString([{ kind: "map_sub", key }])}`,
      steps: own,
      rule,
      value,
      inOneof: field.oneof !== undefined,
    }));
    if (field.message === undefined || isWellKnown(field.message) || field.fieldKind === "map") return here;
    const next = [...steps, { jsonName: field.jsonName, repeated }];
    return [...here, ...inside(field.message, contract, next, `${path}${repeated ? "[0]" : ""}.`, depth - 1)];
  });
}

interface BrokenField extends BrokenValue {
  /** The entry of a map that is at fault. */
  readonly key?: string;
}

function brokenValues(field: DescField, rules: Rules): BrokenField[] {
  const required = rules.required === true ? [{ rule: "required", value: undefined }] : [];
  if (field.fieldKind === "list") return [...required, ...brokenLists(rules)];
  if (field.fieldKind === "map") return [...required, ...brokenMaps(rules)];
  if (field.message !== undefined) {
    return [...required, ...(isWellKnown(field.message) ? brokenWellKnown(field.message, rules) : [])];
  }
  const ignoresZero = rules.ignore === "IGNORE_IF_ZERO_VALUE";
  const isZero = (value: unknown): boolean => value === "" || value === "0" || value === 0;
  return [...required, ...brokenSingles(field, rules).filter(({ value }) => !(ignoresZero && isZero(value)))];
}

function brokenSingles(field: DescField, rules: Rules): BrokenValue[] {
  if (field.enum !== undefined) return brokenEnums((rules.enum ?? {}) as EnumRules);
  const scalar = field.scalar ?? ScalarType.STRING;
  if (scalar === ScalarType.STRING) return brokenTexts((rules.string ?? {}) as StringRules);
  if (scalar === ScalarType.BYTES) return brokenBytes((rules.bytes ?? {}) as BytesRules);
  return brokenNumbers(scalar, rules);
}

function brokenLists(rules: Rules): BrokenValue[] {
  const { minItems } = (rules.repeated ?? {}) as { readonly minItems?: string };
  return Number(minItems ?? 0) > 0 ? [{ rule: "min_items", value: [] }] : [];
}

/** A key and a value that meet the rules of every map of the contract, all of which are of texts. */
const GOOD = "a";
/** What has to be escaped in a path, and what need not be though JSON does. */
const AWKWARD_KEY = '"\\\r\n\t\u0000\u001b\u2028]';

function brokenMaps(rules: Rules): BrokenField[] {
  const { keys, values, maxPairs } = (rules.map ?? {}) as {
    readonly keys?: { readonly string?: StringRules };
    readonly values?: { readonly string?: StringRules };
    readonly maxPairs?: string;
  };
  const ofKeys = brokenTexts(keys?.string ?? {});
  const awkward = keys?.string?.pattern === undefined ? [] : [{ rule: "pattern", value: AWKWARD_KEY }];
  const tooMany = Array.from({ length: Number(maxPairs ?? 0) + 1 }, (_, i) => [`${GOOD}${i}`, GOOD]);
  return [
    ...[...ofKeys, ...awkward].map(({ rule, value }) => ({
      rule: `keys.${rule}`,
      value: { [String(value)]: GOOD },
      key: String(value),
    })),
    ...brokenTexts(values?.string ?? {}).map(({ rule, value }) => ({
      rule: `values.${rule}`,
      value: { [GOOD]: value },
      key: GOOD,
    })),
    ...(maxPairs === undefined ? [] : [{ rule: "max_pairs", value: Object.fromEntries(tooMany) }]),
  ];
}

/** A copy of a message with one value replaced; undefined when the way to it is not there. */
export function withBroken(
  message: Readonly<Record<string, unknown>>,
  { steps, value, inOneof }: Pick<Breakage, "steps" | "value" | "inOneof">,
): object | undefined {
  const [step, ...rest] = steps;
  if (step === undefined) return undefined;
  const copy: Record<string, unknown> = { ...message };
  if (rest.length === 0) {
    if (inOneof && !(step.jsonName in message)) return undefined;
    if (value === undefined) delete copy[step.jsonName];
    else copy[step.jsonName] = value;
    return copy;
  }
  const child = copy[step.jsonName];
  const first: unknown = step.repeated && Array.isArray(child) ? child[0] : child;
  if (typeof first !== "object" || first === null) return undefined;
  const changed = withBroken(first as Record<string, unknown>, { steps: rest, value, inOneof });
  if (changed === undefined) return undefined;
  copy[step.jsonName] = step.repeated ? [changed, ...(child as unknown[]).slice(1)] : changed;
  return copy;
}
