import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Money as MoneyMessage } from "#proto/google/type/money.ts";
import { currencies, minorUnitExponent } from "./currency.ts";
import { formatAmount, moneyFromProto, moneyToProto } from "./money.ts";

const currency = fc.constantFrom(...currencies);
const minorUnits = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const nanosOf = ({ units, nanos }: MoneyMessage) => units * 1_000_000_000n + BigInt(nanos);
const message = (currencyCode: string, units: bigint, nanos = 0): MoneyMessage => ({
  currencyCode,
  units,
  nanos,
});
const refusal = (rule: string) =>
  expect.objectContaining({ reason: "INVALID_REQUEST", values: { field: "price", rule } });

describe("an amount", () => {
  test("of any currency and size survives the wire", () => {
    fc.assert(
      fc.property(currency, minorUnits, (currency, minorUnits) => {
        const sent = MoneyMessage.encode(moneyToProto({ minorUnits, currency })).finish();
        expect(moneyFromProto(MoneyMessage.decode(sent), "price")).toEqual({ minorUnits, currency });
      }),
    );
  });

  test("has its exact value on the wire, with units and nanos of one sign", () => {
    fc.assert(
      fc.property(currency, minorUnits, (currency, minorUnits) => {
        const sent = moneyToProto({ minorUnits, currency });
        const nanosPerMinor = 10n ** BigInt(9 - (minorUnitExponent(currency) ?? 0));
        expect(nanosOf(sent)).toBe(minorUnits * nanosPerMinor);
        expect(Math.sign(sent.nanos) * Number(sent.units)).toBeGreaterThanOrEqual(0);
        expect(Math.abs(sent.nanos)).toBeLessThan(1_000_000_000);
      }),
    );
  });

  test("is accepted exactly when it is in whole minor units", () => {
    const parts = fc.record({
      code: fc.constantFrom("JPY", "GBP", "KWD", "CLF"),
      units: fc.bigInt({ min: -1_000_000n, max: 1_000_000n }),
      nanos: fc.oneof(
        fc.integer({ min: 0, max: 999_999_999 }),
        fc.integer({ min: 0, max: 9_999 }).map((n) => n * 100_000),
      ),
    });
    fc.assert(
      fc.property(parts, ({ code, units, nanos }) => {
        const sent = message(code, units, units < 0n ? -nanos : nanos);
        const nanosPerMinor = 10n ** BigInt(9 - (minorUnitExponent(code) ?? 0));
        if (nanosOf(sent) % nanosPerMinor === 0n) {
          expect(moneyFromProto(sent, "price").minorUnits).toBe(nanosOf(sent) / nanosPerMinor);
        } else {
          expect(() => moneyFromProto(sent, "price")).toThrow(refusal("money.precision"));
        }
      }),
    );
  });

  test.each([
    ["GBP", 1n, -750_000_000, "money.sign"],
    ["GBP", -1n, 750_000_000, "money.sign"],
    ["GBP", 0n, 5_000_000, "money.precision"],
    ["GBP", 0n, 1_000_000_000, "money.nanos"],
    ["GBP", 0n, -1_000_000_000, "money.nanos"],
    ["JPY", 1n, 10_000_000, "money.precision"],
    ["ABC", 1n, 0, "money.currency"],
    ["gbp", 1n, 0, "money.currency"],
    ["", 1n, 0, "money.currency"],
    ["GBP", 2n ** 62n, 0, "money.range"],
    ["GBP", -(2n ** 62n), 0, "money.range"],
  ])("%s %d and %d nanos is refused by %s", (code, units, nanos, rule) => {
    expect(() => moneyFromProto(message(code, units, nanos), "price")).toThrow(refusal(rule));
  });
});

test.each([
  [{ minorUnits: -75n, currency: "GBP" }, "-0.75", message("GBP", 0n, -750_000_000)],
  [{ minorUnits: -175n, currency: "GBP" }, "-1.75", message("GBP", -1n, -750_000_000)],
  [{ minorUnits: 1300n, currency: "JPY" }, "1300", message("JPY", 1300n)],
  [{ minorUnits: 5n, currency: "KWD" }, "0.005", message("KWD", 0n, 5_000_000)],
  [{ minorUnits: 0n, currency: "EUR" }, "0.00", message("EUR", 0n)],
])("%o is written %s", (money, text, sent) => {
  expect(formatAmount(money)).toBe(text);
  expect(moneyToProto(money)).toEqual(sent);
});

test("a currency is in the table once, and the common ones have the minor units that people know", () => {
  expect(new Set(currencies).size).toBe(currencies.length);
  const known = { GBP: 2, EUR: 2, USD: 2, CHF: 2, JPY: 0, KRW: 0, BHD: 3, KWD: 3 };
  for (const [code, exponent] of Object.entries(known)) expect(minorUnitExponent(code)).toBe(exponent);
});
