import { expect, test } from "vitest";
import { ChargeKind } from "./order.ts";
import { createPricing, DEFAULT_PRICING } from "./pricing.ts";

const price = createPricing();

test("shipping costs a flat rate up to a value, and is taxed with the lines", () => {
  expect(price({ linesMinor: 4_999n, currency: "GBP", countryCode: "GB" })).toEqual([
    { kind: ChargeKind.CHARGE_KIND_SHIPPING, label: "Shipping", minorUnits: 495n },
    { kind: ChargeKind.CHARGE_KIND_TAX, label: "VAT 20 %", minorUnits: 1_099n },
  ]);
  expect(price({ linesMinor: 5_000n, currency: "GBP", countryCode: "GB" })).toEqual([
    { kind: ChargeKind.CHARGE_KIND_TAX, label: "VAT 20 %", minorUnits: 1_000n },
  ]);
});

test("tax is rounded to the nearest minor unit, half up", () => {
  const tax = { XX: { name: "Tax", basisPoints: 2_500 } };
  const taxed = createPricing({ shipping: {}, tax });
  const of = (linesMinor: bigint) => taxed({ linesMinor, currency: "GBP", countryCode: "XX" })[0]?.minorUnits;
  expect([of(1n), of(2n), of(3n), of(5n), of(6n)]).toEqual([undefined, 1n, 1n, 1n, 2n]);
});

test("where there is no rate there is no charge", () => {
  expect(price({ linesMinor: 100n, currency: "JPY", countryCode: "JP" })).toEqual([]);
});

test("a rate in parts of a percent is named so", () => {
  expect(price({ linesMinor: 10_000n, currency: "EUR", countryCode: "FI" })).toEqual([
    { kind: ChargeKind.CHARGE_KIND_TAX, label: "VAT 25.5 %", minorUnits: 2_550n },
  ]);
});

test("a rate that cannot be is refused at the start, with its value", () => {
  const tax = { GB: { name: "VAT", basisPoints: 20.5 } };
  expect(() => createPricing({ ...DEFAULT_PRICING, tax })).toThrow("tax of GB 20.5: must be");
  const shipping = { GBP: { flatMinor: -1n, freeFromMinor: 0n } };
  expect(() => createPricing({ ...DEFAULT_PRICING, shipping })).toThrow("shipping in GBP -1");
});
