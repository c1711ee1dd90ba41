// Pence and google.type.Money.

import { Money } from "#proto/google/type/money.ts";

export const CURRENCY = "GBP";

const NANOS_PER_PENNY = 10_000_000;

export function moneyOf(pence: number): Money {
  const units = Math.floor(pence / 100);
  return Money.create({
    currencyCode: CURRENCY,
    units: BigInt(units),
    nanos: (pence - units * 100) * NANOS_PER_PENNY,
  });
}

/** Throws RangeError for another currency, or for an amount that is not in whole pence: neither can come of a replay. */
export function penceOf(money: Money | undefined): bigint {
  if (money === undefined) return 0n;
  if (money.currencyCode !== CURRENCY || money.nanos % NANOS_PER_PENNY !== 0) {
    throw new RangeError(`${money.units} and ${money.nanos} nanos ${money.currencyCode}: not whole pence`);
  }
  return money.units * 100n + BigInt(money.nanos / NANOS_PER_PENNY);
}
