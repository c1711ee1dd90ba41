// From card data to a token. Card data lives in this call alone: what is kept is what may be shown, and the name of a behaviour.
import { createHmac } from "node:crypto";
import type { Token } from "./operation.ts";
import { behaviorNameOf, hasCheckDigit } from "./test-cards.ts";

export interface CardData {
  readonly number: string;
  readonly expMonth: number;
  readonly expYear: number;
  readonly cvc: string;
  readonly name: string;
}

/** A decline code of a card that no token is given for. */
export function refusalOf({ number, expMonth, expYear, cvc }: CardData, now: Date): string | undefined {
  if (!/^\d{12,19}$/.test(number) || !hasCheckDigit(number)) return "incorrect_number";
  if (!/^\d{3,4}$/.test(cvc)) return "invalid_cvc";
  if (!Number.isInteger(expMonth) || expMonth < 1 || expMonth > 12) return "invalid_expiry_month";
  const past = expYear * 12 + expMonth < now.getUTCFullYear() * 12 + now.getUTCMonth() + 1;
  return past ? "expired_card" : undefined;
}

export function tokenOf(card: CardData, token: string, expiresAt: number): Token {
  return {
    token,
    card: {
      brand: brandOf(card.number),
      last4: card.number.slice(-4),
      exp_month: card.expMonth,
      exp_year: card.expYear,
    },
    expires_at: expiresAt,
    behavior: behaviorNameOf(card.number),
  };
}

/** Keyed, since a plain digest of a card number is found by trying all numbers. */
export function fingerprint(secret: string, method: string, path: string, body: string): string {
  return createHmac("sha256", secret).update(`${method} ${path}\n`).update(body).digest("base64url");
}

const BRANDS: ReadonlyArray<readonly [prefix: RegExp, brand: string]> = [
  [/^4/, "visa"],
  [/^(5[1-5]|2[2-7])/, "mastercard"],
  [/^3[47]/, "amex"],
  [/^(6011|65|64[4-9])/, "discover"],
];

function brandOf(number: string): string {
  return BRANDS.find(([prefix]) => prefix.test(number))?.[1] ?? "unknown";
}
