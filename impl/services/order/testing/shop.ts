// The services that orders need, all of them real: a catalogue, stock, and payments with a provider in a process of its own.
import { newId } from "#impl/runtime/ids.ts";
import { FAULTLESS } from "#impl/services/payment/testing/asking.ts";
import type { Stock } from "#proto/ecommerce/v1/inventory.ts";
import type { Payment } from "#proto/ecommerce/v1/payment.ts";
import { type InventoryFixture, inventoryFixture } from "../../inventory/testing/inventory-fixture.ts";
import { cardOf } from "../../payment/testing/asking.ts";
import { type PaymentFixture, startPayments } from "../../payment/testing/payment-fixture.ts";
import {
  create,
  type ProductFixture,
  pounds,
  productFixture,
} from "../../product/testing/product-fixture.ts";

export { FAULTLESS };

export interface Shop {
  readonly products: ProductFixture;
  readonly inventory: InventoryFixture;
  readonly payments: PaymentFixture;
  /** The id of a new product of this price in pence, of which there are so many units. */
  product(units: bigint, pence: bigint): Promise<string>;
  stock(productId: string): Promise<Stock>;
  /** A payment method that nobody has used. */
  token(cardNumber?: string): Promise<string>;
  /** All payments of an order. */
  paymentsOf(orderId: string): Promise<Payment[]>;
}

/** Call it at the top of a test file: it registers its own clean-up. */
export async function startShop(): Promise<Shop> {
  const [products, inventory, payments] = await Promise.all([
    productFixture(),
    inventoryFixture(),
    startPayments({ accessChecked: false, record: false }),
  ]);
  return {
    products,
    inventory,
    payments,
    async product(units, pence) {
      const { productId } = await create(products.client, { price: pounds(pence) });
      if (units > 0n) {
        const items = [{ productId, quantity: units }];
        await inventory.client.receiveStock({ items, reference: "", requestId: newId() });
      }
      return productId;
    },
    async stock(productId) {
      const { stock } = await inventory.client.getStock({ productId });
      if (stock === undefined) throw new Error("the answer has no stock");
      return stock;
    },
    async token(cardNumber = FAULTLESS) {
      const { paymentMethodToken } = await payments.client.createPaymentMethod({
        card: cardOf(cardNumber),
        requestId: "",
      });
      return paymentMethodToken;
    },
    async paymentsOf(orderId) {
      const request = { userId: "", orderId, states: [], pendingOnly: false, pageSize: 0, pageToken: "" };
      return (await payments.client.listPayments(request)).payments;
    },
  };
}
