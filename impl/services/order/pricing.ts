// What an order costs beside its lines, where the caller does not say: shipping at a flat rate, free from a value on, and tax on
// lines and shipping by the country of delivery. Pure; amounts in minor units.
import { type Charge, ChargeKind } from "./order.ts";

export interface PricingOptions {
  /** By ISO 4217 currency. Where a currency has no rate, shipping is free. */
  readonly shipping: Readonly<Record<string, ShippingRate>>;
  /** By ISO 3166-1 alpha-2 country of delivery. Where a country has no rate, there is no tax. */
  readonly tax: Readonly<Record<string, TaxRate>>;
}

export interface ShippingRate {
  readonly flatMinor: bigint;
  /** Lines of this value together, or more, are sent for nothing. */
  readonly freeFromMinor: bigint;
}

export interface TaxRate {
  /** "VAT" or "GST": what stands on the bill before the rate. */
  readonly name: string;
  /** Hundredths of a percent: 2000 is 20 %. */
  readonly basisPoints: number;
}

export type Pricing = (order: { linesMinor: bigint; currency: string; countryCode: string }) => Charge[];

const VAT: Readonly<Record<string, number>> = {
  AT: 2_000,
  BE: 2_100,
  DE: 1_900,
  DK: 2_500,
  ES: 2_100,
  FI: 2_550,
  FR: 2_000,
  GB: 2_000,
  IE: 2_300,
  IT: 2_200,
  NL: 2_100,
  PL: 2_300,
  PT: 2_300,
  SE: 2_500,
};

/** 4.95 and free from 50 in GBP, EUR and USD; the standard rate of value-added tax of some countries of Europe. */
export const DEFAULT_PRICING: PricingOptions = {
  shipping: Object.fromEntries(
    ["GBP", "EUR", "USD"].map((currency) => [currency, { flatMinor: 495n, freeFromMinor: 5_000n }]),
  ),
  tax: Object.fromEntries(
    Object.entries(VAT).map(([country, basisPoints]) => [country, { name: "VAT", basisPoints }]),
  ),
};

const WHOLE = 10_000n;

/** Throws a RangeError when an amount is negative or a rate is not from 0 to 10000. */
export function createPricing(options: PricingOptions = DEFAULT_PRICING): Pricing {
  const shipping = new Map(Object.entries(options.shipping));
  const tax = new Map(Object.entries(options.tax));
  for (const [currency, { flatMinor, freeFromMinor }] of shipping) {
    if (flatMinor < 0n || freeFromMinor < 0n) {
      throw new RangeError(
        `shipping in ${currency} ${flatMinor}, free from ${freeFromMinor}: must not be negative`,
      );
    }
  }
  for (const [country, { basisPoints }] of tax) {
    if (!Number.isInteger(basisPoints) || basisPoints < 0 || basisPoints > 10_000) {
      throw new RangeError(`tax of ${country} ${basisPoints}: must be an integer from 0 to 10000`);
    }
  }
  return ({ linesMinor, currency, countryCode }) => {
    const rate = shipping.get(currency);
    const carriage = rate === undefined || linesMinor >= rate.freeFromMinor ? 0n : rate.flatMinor;
    const taxes = tax.get(countryCode);
    const taxMinor = taxes === undefined ? 0n : percentOf(linesMinor + carriage, taxes.basisPoints);
    const charges: Charge[] = [
      { kind: ChargeKind.CHARGE_KIND_SHIPPING, label: "Shipping", minorUnits: carriage },
      { kind: ChargeKind.CHARGE_KIND_TAX, label: labelOf(taxes), minorUnits: taxMinor },
    ];
    return charges.filter(({ minorUnits }) => minorUnits > 0n);
  };
}

/** Rounded to the nearest minor unit, half up. */
function percentOf(amount: bigint, basisPoints: number): bigint {
  return (amount * BigInt(basisPoints) + WHOLE / 2n) / WHOLE;
}

/** "VAT 20 %", "VAT 25.5 %" */
function labelOf(rate: TaxRate | undefined): string {
  return rate === undefined ? "" : `${rate.name} ${rate.basisPoints / 100} %`;
}
