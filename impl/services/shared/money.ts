// An amount of money: whole minor units of an ISO 4217 currency, exact by construction. The only place that knows how
// google.type.Money, with its units and nanos, is written and read. Refuses whatever cannot be held exactly.
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import type { Money as MoneyMessage } from "#proto/google/type/money.ts";
import { minorUnitExponent } from "./currency.ts";

export interface Money {
  /** Pence for GBP, whole yen for JPY. Within 64 bits, so that a bigint column holds it. */
  readonly minorUnits: bigint;
  /** ISO 4217, such as "GBP". */
  readonly currency: string;
}

const NANOS_PER_UNIT = 1_000_000_000;
const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

/** Throws INVALID_ARGUMENT naming `field` when the message is not an amount in whole minor units of a known currency. */
export function moneyFromProto(message: MoneyMessage, field: string): Money {
  const read = readMoney(message, field);
  if ("reason" in read) throw invalidArgument([read]);
  return read;
}

/** As `moneyFromProto`, with the violation as a value. */
export function readMoney(message: MoneyMessage, field: string): Money | FieldViolation {
  const { currencyCode: currency, units, nanos } = message;
  const refuse = (rule: string, description: string): FieldViolation => ({
    field,
    description,
    reason: `money.${rule}`,
  });
  const exponent = minorUnitExponent(currency);
  if (exponent === undefined) return refuse("currency", "must be in a currency of ISO 4217");
  if (Math.abs(nanos) >= NANOS_PER_UNIT) return refuse("nanos", "nanos must be within ±999999999");
  if ((units > 0n && nanos < 0) || (units < 0n && nanos > 0)) {
    return refuse("sign", "units and nanos must be of the same sign");
  }
  const nanosPerMinor = NANOS_PER_UNIT / 10 ** exponent;
  if (nanos % nanosPerMinor !== 0) return refuse("precision", `must be in whole minor units of ${currency}`);
  const minorUnits = units * 10n ** BigInt(exponent) + BigInt(nanos / nanosPerMinor);
  if (minorUnits > MAX || minorUnits < MIN) return refuse("range", "must fit 64 bits in minor units");
  return { minorUnits, currency };
}

/** Truncates towards zero, so that units and nanos have the same sign as the amount. */
export function moneyToProto({ minorUnits, currency }: Money): MoneyMessage {
  const exponent = exponentOf(currency);
  const perUnit = 10n ** BigInt(exponent);
  return {
    currencyCode: currency,
    units: minorUnits / perUnit,
    nanos: Number(minorUnits % perUnit) * (NANOS_PER_UNIT / 10 ** exponent),
  };
}

/** The amount alone in the currency's decimals: "-12.50", "1300" for JPY. */
export function formatAmount({ minorUnits, currency }: Money): string {
  const exponent = exponentOf(currency);
  const digits = (minorUnits < 0n ? -minorUnits : minorUnits).toString().padStart(exponent + 1, "0");
  const whole = digits.slice(0, digits.length - exponent);
  const fraction = exponent === 0 ? "" : `.${digits.slice(-exponent)}`;
  return `${minorUnits < 0n ? "-" : ""}${whole}${fraction}`;
}

function exponentOf(currency: string): number {
  const exponent = minorUnitExponent(currency);
  if (exponent === undefined) throw new RangeError(`currency ${currency}: is not in ISO 4217`);
  return exponent;
}
