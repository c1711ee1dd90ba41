// Texts that meet the rules of a field, and texts that break one.

import fc, { type Arbitrary } from "fast-check";

/** Rules of buf.validate for a string, in its JSON. */
export interface StringRules {
  readonly uuid?: boolean;
  readonly email?: boolean;
  readonly uri?: boolean;
  readonly minLen?: string;
  readonly maxLen?: string;
  readonly pattern?: string;
  readonly prefix?: string;
  readonly in?: readonly string[];
}

const SHORT = 24;

/** Of all sizes in UTF-8, and what SQL, patterns and terminals stumble over. */
const AWKWARD = [
  "\u0000",
  "\u001b",
  "'",
  "%",
  "_",
  "\\",
  "\u00e9",
  "\u6f22",
  "\u{1f600}",
  "\u200b",
  "\u202e",
  "\uffff",
  "\u{10ffff}",
];

/** `known`: values that exist, which a field of ids is given half of the time. */
export function textArbitrary(rules: StringRules, known: readonly string[] = []): Arbitrary<string> {
  const made = madeText(rules);
  return known.length === 0 ? made : fc.oneof(made, fc.constantFrom(...known));
}

function madeText(rules: StringRules): Arbitrary<string> {
  if (rules.in !== undefined && rules.in.length > 0) return fc.constantFrom(...rules.in);
  if (rules.uuid) return fc.uuid();
  if (rules.email) return fc.uuid().map((id) => `${id}@example.com`);
  if (rules.uri) return fc.uuid().map((id) => `https://${id}.example.com/hook`);
  const [least, most] = [Number(rules.minLen ?? 0), Number(rules.maxLen ?? 4 * SHORT)];
  if (rules.pattern !== undefined) {
    return fc
      .stringMatching(new RegExp(rules.pattern), { size: "-1" })
      .filter((text) => text.length >= least && text.length <= most);
  }
  const { prefix = "" } = rules;
  const longest = Math.max(least, Math.min(most, least + SHORT)) - prefix.length;
  const text = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.string({ minLength: Math.max(0, least - prefix.length), maxLength: longest }),
    },
    {
      weight: 1,
      arbitrary: fc.string({ unit: fc.constantFrom(...AWKWARD), minLength: least, maxLength: longest }),
    },
  );
  return text.map((rest) => prefix + rest);
}

export interface BrokenValue {
  /** The rule that it breaks. */
  readonly rule: string;
  readonly value: unknown;
}

export function brokenTexts(rules: StringRules): BrokenValue[] {
  const broken: BrokenValue[] = [];
  if (rules.uuid) broken.push({ rule: "uuid", value: "not-a-uuid" });
  if (rules.email) broken.push({ rule: "email", value: "nobody" });
  if (rules.uri) broken.push({ rule: "uri", value: "no uri" });
  if (rules.pattern !== undefined) broken.push({ rule: "pattern", value: " \u0000?" });
  if (rules.prefix !== undefined) broken.push({ rule: "prefix", value: "?" });
  if (rules.in !== undefined) broken.push({ rule: "in", value: "none of these" });
  if (Number(rules.minLen ?? 0) > 0)
    broken.push({ rule: "min_len", value: "x".repeat(Number(rules.minLen) - 1) });
  if (rules.maxLen !== undefined)
    broken.push({ rule: "max_len", value: "x".repeat(Number(rules.maxLen) + 1) });
  return broken;
}
