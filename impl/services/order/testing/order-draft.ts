// Orders as tests ask for them, with everything they do not care about filled in.
import { present } from "#impl/client/testing/answers.ts";
import { NewOrder } from "#proto/ecommerce/v1/order.ts";
import type { Money } from "#proto/google/type/money.ts";
import type { Shop } from "./shop.ts";

export interface Wish {
  readonly productId: string;
  readonly quantity?: bigint;
  /** In pence. */
  readonly unitPrice?: bigint;
}

/** An order of a guest, sent to Britain, without charges unless they are given. */
export async function draft(
  shop: Shop,
  wishes: readonly Wish[],
  changes: Parameters<typeof NewOrder.fromPartial>[0] = {},
): Promise<NewOrder> {
  return NewOrder.fromPartial({
    lines: wishes.map(({ productId, quantity = 1n, unitPrice }) => ({
      productId,
      quantity,
      unitPrice: unitPrice === undefined ? undefined : pence(unitPrice),
    })),
    shippingAddress: ADDRESS,
    charges: { items: [] },
    paymentMethodToken: changes.paymentMethodToken ?? (await shop.token()),
    ...(changes.userId === undefined ? { guest: { email: "" } } : {}),
    ...changes,
  });
}

export const ADDRESS = { addressLines: ["1 High Street"], city: "Leeds", countryCode: "GB" };

export function pence(minorUnits: bigint): Money {
  return { currencyCode: "GBP", units: minorUnits / 100n, nanos: Number(minorUnits % 100n) * 10_000_000 };
}

export function minor(money: Money | undefined): bigint {
  const { units, nanos } = present(money);
  return units * 100n + BigInt(nanos / 10_000_000);
}
