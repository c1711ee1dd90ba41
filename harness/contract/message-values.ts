// Arbitrary messages of any type, from its descriptor: presence, oneofs, edges, numbers that no enum has. In protobuf's JSON. They meet the
// rules of their fields; whether they meet those that span fields only a validator can tell.

import { type DescField, type DescMessage, type DescOneof, ScalarType } from "@bufbuild/protobuf";
import fc, { type Arbitrary } from "fast-check";
import type { Contract, Rules } from "./contract.ts";
import {
  type BytesRules,
  bytesArbitrary,
  type EnumRules,
  enumArbitrary,
  wholeNumbers,
} from "./scalar-values.ts";
import { type StringRules, textArbitrary } from "./string-values.ts";
import { isWellKnown, wellKnownArbitrary } from "./well-known-values.ts";

export interface ValueOptions {
  readonly contract: Contract;
  /** Values that exist, by the JSON name of the fields that may hold them, such as "productId". */
  readonly known?: Readonly<Record<string, readonly string[]>>;
}

export type Json = Readonly<Record<string, unknown>>;

const DEPTH = 4;
const MOST_ITEMS = 3;

export function messageArbitrary(
  message: DescMessage,
  options: ValueOptions,
  depth = DEPTH,
): Arbitrary<Json> {
  const plain = message.fields.filter((field) => field.oneof === undefined);
  const parts = [
    ...plain.map((field) => fieldArbitrary(field, options, depth)),
    ...message.oneofs.map((oneof) => oneofArbitrary(oneof, options, depth)),
  ];
  return fc.tuple(...parts).map((given) => Object.assign({}, ...given) as Json);
}

/** An object with the field, or without it. */
function fieldArbitrary(field: DescField, options: ValueOptions, depth: number): Arbitrary<Json> {
  const rules = options.contract.rulesOf(field);
  const mustBe = rules.required === true;
  if (depth <= 0 && !mustBe) return fc.constant({});
  const value = valueArbitrary(field, rules, options, depth);
  const present = value.map((given) => ({ [field.jsonName]: given }));
  const mayBeEmpty = rules.ignore === "IGNORE_IF_ZERO_VALUE";
  const hasRules = Object.keys(rules).some((key) => key !== "ignore");
  const mayBeAbsent = !mustBe && (field.presence !== 2 || mayBeEmpty || !hasRules);
  if (!mayBeAbsent && field.fieldKind !== "message") return present;
  return mustBe
    ? present
    : fc.oneof({ weight: 3, arbitrary: present }, { weight: 1, arbitrary: fc.constant({}) });
}

function oneofArbitrary(oneof: DescOneof, options: ValueOptions, depth: number): Arbitrary<Json> {
  const choices = oneof.fields.map((field) =>
    valueArbitrary(field, options.contract.rulesOf(field), options, depth).map((value) => ({
      [field.jsonName]: value,
    })),
  );
  return fc.oneof(...choices, ...(options.contract.requires(oneof) ? [] : [fc.constant({})]));
}

interface RepeatedRules {
  readonly minItems?: string;
  readonly maxItems?: string;
  readonly unique?: boolean;
  readonly items?: Rules;
}

interface MapRules {
  readonly keys?: Rules;
  readonly values?: Rules;
}

function valueArbitrary(
  field: DescField,
  rules: Rules,
  options: ValueOptions,
  depth: number,
): Arbitrary<unknown> {
  switch (field.fieldKind) {
    case "list": {
      const { minItems, maxItems, unique, items = {} } = (rules.repeated ?? {}) as RepeatedRules;
      const minLength = Number(minItems ?? 0);
      const maxLength = Math.max(minLength, Math.min(Number(maxItems ?? MOST_ITEMS), MOST_ITEMS));
      const item = singleArbitrary(field, items, options, depth);
      const lengths = { minLength, maxLength };
      return unique
        ? fc.uniqueArray(item, { ...lengths, selector: (one) => JSON.stringify(one) })
        : fc.array(item, lengths);
    }
    case "map": {
      const { keys = {}, values = {} } = (rules.map ?? {}) as MapRules;
      const key = textArbitrary((keys.string ?? {}) as StringRules).filter((text) => text !== "__proto__");
      return fc.dictionary(key, singleArbitrary(field, values, options, depth), { maxKeys: MOST_ITEMS });
    }
    default:
      return singleArbitrary(field, rules, options, depth);
  }
}

function singleArbitrary(
  field: DescField,
  rules: Rules,
  options: ValueOptions,
  depth: number,
): Arbitrary<unknown> {
  if (field.message !== undefined) {
    if (isWellKnown(field.message)) return wellKnownArbitrary(field.message, rules);
    return messageArbitrary(field.message, options, depth - 1);
  }
  if (field.enum !== undefined) return enumArbitrary(field.enum, (rules.enum ?? {}) as EnumRules);
  return scalarArbitrary(field, rules, options);
}

function scalarArbitrary(field: DescField, rules: Rules, { known = {} }: ValueOptions): Arbitrary<unknown> {
  const scalar = field.scalar ?? ScalarType.STRING;
  switch (scalar) {
    case ScalarType.STRING: {
      const name = field.jsonName.replace(/s$/, "");
      return textArbitrary((rules.string ?? {}) as StringRules, known[name] ?? []);
    }
    case ScalarType.BYTES:
      return bytesArbitrary((rules.bytes ?? {}) as BytesRules);
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return fc.oneof(
        fc.double({ noDefaultInfinity: true, noNaN: true }),
        fc.constantFrom("NaN", "Infinity", "-Infinity"),
      );
    default:
      return wholeNumbers(scalar, rules) ?? fc.constant("0");
  }
}
