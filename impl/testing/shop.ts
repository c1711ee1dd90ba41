// What a test needs to buy something in a shop that serves somewhere.
import { afterAll } from "vitest";
import { CheckoutRequest } from "#proto/ecommerce/v1/gateway.ts";
import { CreateProductRequest } from "#proto/ecommerce/v1/product_service.ts";
import { staticDiscovery } from "../client/discovery.ts";
import {
  createEcommerceClient,
  type EcommerceClient,
  type EcommerceServices,
} from "../client/ecommerce-client.ts";
import { newId } from "../runtime/ids.ts";
import type { Bearer } from "./bearer-tokens.ts";

const GOOD_CARD = "4242424242424242";

export interface Shop {
  /** The services for a caller with these permissions; without a user, for nobody. */
  as(userId?: string, permissions?: readonly string[]): Promise<EcommerceServices>;
  /** The id of a new product with so many units. */
  product(units: bigint): Promise<string>;
  cardCheckout(
    productId: string,
    of?: { readonly userId?: string; readonly card?: string; readonly quantity?: bigint },
  ): CheckoutRequest;
}

/** Of a shop that serves at "host:port". Call it at the top of a test file: its clients are closed with it. */
export async function shopAt(address: string, bearer: Bearer): Promise<Shop> {
  const clients: EcommerceClient[] = [];
  afterAll(() => Promise.all(clients.map((client) => client.close())));
  const as = async (userId?: string, permissions: readonly string[] = []) => {
    const credentials = userId === undefined ? {} : await bearer(userId, permissions);
    const client = createEcommerceClient({
      discovery: staticDiscovery([address]),
      metadata: () => credentials,
      resume: false,
    });
    clients.push(client);
    return client;
  };
  const admin = await as("service:test", ["products.write", "inventory.write"]);
  return {
    as,
    async product(units) {
      const price = { currencyCode: "GBP", units: 3n, nanos: 500_000_000 };
      const product = { sku: `SKU-${newId()}`, name: "A lamp", price };
      const made = await admin.products.createProduct(
        CreateProductRequest.fromPartial({ product, requestId: newId() }),
      );
      const productId = made.product?.productId ?? "";
      const items = [{ productId, quantity: units }];
      if (units > 0n) await admin.inventory.receiveStock({ items, reference: "", requestId: newId() });
      return productId;
    },
    cardCheckout(productId, { userId = "", card: cardNumber = GOOD_CARD, quantity = 1n } = {}) {
      const card = { cardNumber, expiryMonth: 12, expiryYear: 2_040, cvc: "123", holderName: "A" };
      return CheckoutRequest.fromPartial({
        requestId: newId(),
        payment: { source: { $case: "card", value: card } },
        order: {
          userId,
          guest: userId === "" ? { email: "" } : undefined,
          lines: [{ productId, quantity }],
          shippingAddress: { addressLines: ["1 High Street"], city: "Leeds", countryCode: "GB" },
        },
      });
    },
  };
}
