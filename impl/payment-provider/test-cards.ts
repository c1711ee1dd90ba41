// The table of test cards: the only documentation of what the provider does with which number. Any other number with a right check
// digit is a card without faults. Expiry and code may be any that are valid.
import { EFFECT_NAMES, EFFECTS, type Effect, type EffectsByKind } from "./effects.ts";
import type { OperationKind } from "./operation.ts";

export interface CardBehavior {
  /** The authorization is declined with this code. */
  readonly decline?: string;
  /** The authorization fails with this code. */
  readonly failure?: string;
  /** Captures are declined with this code. */
  readonly captureDecline?: string;
  /** Refunds fail with this code. */
  readonly refundFailure?: string;
  /** What the first request of an operation of this kind suffers. */
  readonly effects?: EffectsByKind;
  /** How long an authorization holds. Default: the provider's. */
  readonly authorizationLifetimeMs?: number;
}

export interface TestCard {
  /** Stable; what is journaled in place of the number. */
  readonly name: string;
  /** Digits only. */
  readonly number: string;
  readonly about: string;
  readonly behavior: CardBehavior;
}

/** The behaviour of every number that is not in the table. */
export const FAULTLESS = "faultless";

const faultless = (number: string, brand: string): TestCard => ({
  name: FAULTLESS,
  number,
  about: `${brand}: everything succeeds`,
  behavior: {},
});

const declined = (number: string, decline: string): TestCard => ({
  name: decline,
  number,
  about: `authorization declined: \`${decline}\``,
  behavior: { decline },
});

const KINDS: readonly OperationKind[] = ["authorize", "capture", "refund", "void"];

/** 4000 00KE 0000 000x: K is the operation that suffers (1 to 4), E the effect (1 to 5), x the check digit. */
const suffering = KINDS.flatMap((kind, k) =>
  EFFECT_NAMES.map(
    (effect, e): TestCard => ({
      name: `${kind}_${effect}`,
      number: withCheckDigit(`400000${k + 1}${e + 1}0000000`),
      about: `${kind}: ${EFFECTS[effect]}`,
      behavior: { effects: { [kind]: effect } },
    }),
  ),
);

export const TEST_CARDS: readonly TestCard[] = [
  faultless("4242424242424242", "visa"),
  faultless("5555555555554444", "mastercard"),
  faultless("378282246310005", "amex"),
  declined("4000000000000002", "generic_decline"),
  declined("4000000000009995", "insufficient_funds"),
  declined("4000000000009987", "lost_card"),
  declined("4000000000009979", "stolen_card"),
  declined("4000000000000069", "expired_card"),
  declined("4000000000000127", "incorrect_cvc"),
  declined("4100000000000019", "fraudulent"),
  {
    name: "processing_error",
    number: "4000000000000119",
    about: "authorization fails: `processing_error`",
    behavior: { failure: "processing_error" },
  },
  {
    name: "capture_declined",
    number: "4000000000000341",
    about: "captures are declined: `do_not_honor`",
    behavior: { captureDecline: "do_not_honor" },
  },
  {
    name: "refund_failed",
    number: "4000000000005126",
    about: "refunds fail: `expired_or_canceled_card`",
    behavior: { refundFailure: "expired_or_canceled_card" },
  },
  {
    name: "short_hold",
    number: "4000000000000259",
    about: "an authorization holds for half a second",
    behavior: { authorizationLifetimeMs: 500 },
  },
  ...suffering,
];

const byNumber = new Map(TEST_CARDS.map((card) => [card.number, card.name]));
const byName = new Map(TEST_CARDS.map((card) => [card.name, card.behavior]));

export function behaviorNameOf(number: string): string {
  return byNumber.get(number) ?? FAULTLESS;
}

export function behaviorNamed(name: string): CardBehavior {
  return byName.get(name) ?? {};
}

/** The number whose first operation of this kind suffers the effect. */
export function cardSuffering(kind: OperationKind, effect: Effect): string {
  const card = TEST_CARDS.find(({ name }) => name === `${kind}_${effect}`);
  if (card === undefined) throw new RangeError(`no test card for ${kind} and ${effect}`);
  return card.number;
}

/** A Markdown table of all test cards. */
export function describeTestCards(): string {
  const rows = TEST_CARDS.map(({ number, about }) => `| \`${number}\` | ${about} |`);
  return ["| card number | what happens |", "|---|---|", ...rows].join("\n");
}

/** Whether the last digit is the one that Luhn's rule asks for. */
export function hasCheckDigit(number: string): boolean {
  return withCheckDigit(number.slice(0, -1)) === number;
}

function withCheckDigit(digits: string): string {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const weighted = i % 2 === 0 ? digit * 2 : digit;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return `${digits}${(10 - (sum % 10)) % 10}`;
}
