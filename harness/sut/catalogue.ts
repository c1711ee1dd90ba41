// The shop of a workload as the system's own messages. What the source does not know is left out or evidently made up: e-mail
// addresses are derived from the customer's id, and of an address only the country is real.

import type { Shop, ShopCustomer, ShopProduct } from "#harness/workload/shop.ts";
import { Address } from "#proto/ecommerce/v1/address.ts";
import { Product } from "#proto/ecommerce/v1/product.ts";
import { User } from "#proto/ecommerce/v1/user.ts";
import type { Catalogue } from "./seed-shop.ts";

export function catalogueOf(shop: Shop): Catalogue {
  return { products: shop.products.map(productOf), customers: shop.customers.map(userOf) };
}

export function emailOf(customerId: string): string {
  return `customer-${customerId}@example.com`;
}

function productOf({ sku, name, description, category, priceMinor }: ShopProduct): Product {
  const units = Math.floor(priceMinor / 100);
  return Product.fromPartial({
    sku,
    name,
    description,
    category,
    price: { currencyCode: "GBP", units: BigInt(units), nanos: (priceMinor - units * 100) * 10_000_000 },
  });
}

function userOf({ id, country }: ShopCustomer): User {
  const countryCode = countryCodes.get(country);
  const address =
    countryCode && Address.fromPartial({ label: "home", addressLines: ["-"], city: "-", countryCode });
  return User.fromPartial({
    email: emailOf(id),
    profile: { displayName: `Customer ${id}`, addresses: address ? [address] : [] },
  });
}

/** ISO 3166-1 codes by English name, and by the names that the retail data uses instead. */
const countryCodes = new Map<string, string>([
  ...allCountries(),
  ["EIRE", "IE"],
  ["USA", "US"],
  ["RSA", "ZA"],
  ["Channel Islands", "JE"],
  ["Czech Republic", "CZ"],
  ["Hong Kong", "HK"],
]);

function allCountries(): [string, string][] {
  const names = new Intl.DisplayNames("en", { type: "region", fallback: "none" });
  const letters = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  return letters.flatMap((a) =>
    letters.flatMap((b): [string, string][] => {
      // A code that stands for another one, such as UK for GB, has its name too.
      const isItself = new Intl.Locale(`und-${a}${b}`).region === a + b;
      const name = isItself ? names.of(a + b) : undefined;
      return name === undefined ? [] : [[name, a + b]];
    }),
  );
}
