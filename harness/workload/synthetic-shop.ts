// A made-up shop for whoever has no data: of about the size and shape of the real one, wholly given by its seed. What people want is
// Zipf-distributed with a stated exponent; baskets are about as long as real ones, a few of them very long.

import { type SeededRandom, seededRandom } from "#harness/random/seeded-random.ts";
import { categoryOf } from "./categories.ts";
import type { Basket, Shop, ShopCustomer, ShopProduct } from "./shop.ts";
import { weightedChoice } from "./weighted-choice.ts";
import { zipfWeights } from "./zipf.ts";

export interface SyntheticShopOptions {
  readonly seed: number;
  /** Default 3000, at most 7000. */
  readonly products?: number;
  /** Default 500. */
  readonly customers?: number;
  /** Default 600. */
  readonly baskets?: number;
  /** Zipf exponent of products and of customers. Default 0.95. */
  readonly skew?: number;
}

const moods = "VINTAGE RETROSPOT REGENCY RUSTIC SWEETHEART FRENCH BOTANICAL WOODLAND PAISLEY NORDIC".split(
  " ",
);
const colours = "RED WHITE BLUE PINK GREEN IVORY BLACK CREAM".split(" ");
const materials = "METAL GLASS WOODEN CERAMIC COTTON PAPER ENAMEL WICKER".split(" ");
const things = [
  ...["LANTERN", "CANDLE HOLDER", "SHOPPER BAG", "TEA MUG", "CAKE TIN", "LUNCH BOX", "NOTEBOOK", "GIFT WRAP"],
  ...["STORAGE BASKET", "COAT HANGER", "CUSHION COVER", "HEART DECORATION", "WALL CLOCK", "PHOTO FRAME"],
  ...["PLANT POT", "BIRD FEEDER", "NECKLACE", "DOLL HOUSE", "CHRISTMAS BAUBLE", "EGG CUP"],
];
const countries = ["United Kingdom", "Germany", "France", "EIRE", "Spain"];
const mostProducts = 7000;
/** Share of baskets without a customer, about as in the real data. */
const guestShare = 0.2;
const medianLines = 12;

/** Throws RangeError for sizes or a skew that make no shop. */
export function syntheticShop(options: SyntheticShopOptions): Shop {
  const { seed, products: size = 3000, customers: buyers = 500, baskets: count = 600, skew = 0.95 } = options;
  if (!(Number.isInteger(size) && size >= 1 && size <= mostProducts)) {
    throw new RangeError(`products must be a whole number from 1 to ${mostProducts}, got ${size}`);
  }
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new RangeError(`baskets must be a whole number from 1, got ${count}`);
  }
  const random = seededRandom(seed);
  const productWeights = random.fork("product ranks").shuffled(zipfWeights(size, skew));
  const customerWeights = random.fork("customer ranks").shuffled(zipfWeights(buyers, skew));
  return {
    source: "synthetic",
    about: `${size} made-up products and ${buyers} customers, wanted by Zipf's law with s = ${skew}, seed ${seed}`,
    products: makeProducts(productWeights, random.fork("products")),
    customers: makeCustomers(customerWeights, random.fork("customers")),
    baskets: makeBaskets(count, productWeights, customerWeights, random.fork("baskets")),
  };
}

function makeProducts(weights: readonly number[], random: SeededRandom): ShopProduct[] {
  const descriptions = moods.flatMap((mood) =>
    colours.flatMap((colour) =>
      materials.flatMap((material) => things.map((thing) => `${mood} ${colour} ${material} ${thing}`)),
    ),
  );
  const chosen = random.shuffled(descriptions);
  return weights.map((weight, index) => {
    const name = chosen[index] ?? `THING ${index}`;
    // Most things cost a pound or two, a few a hundred.
    const priceMinor = 25 + Math.round(150 * Math.exp(normal(random)));
    const description = `${name}, a gift for every occasion`;
    return {
      sku: `SYN-${10_000 + index}`,
      name,
      description,
      category: categoryOf(name),
      priceMinor,
      weight,
    };
  });
}

function makeCustomers(weights: readonly number[], random: SeededRandom): ShopCustomer[] {
  const country = weightedChoice(zipfWeights(countries.length, 2));
  return weights.map((weight, index) => ({
    id: `${20_000 + index}`,
    country: countries[country(random)] ?? "United Kingdom",
    weight,
  }));
}

function makeBaskets(
  count: number,
  productWeights: readonly number[],
  customerWeights: readonly number[],
  random: SeededRandom,
): Basket[] {
  const product = weightedChoice(productWeights);
  const customer = weightedChoice(customerWeights);
  return Array.from({ length: count }, () => {
    const lines = Math.min(Math.max(1, Math.round(medianLines * Math.exp(1.1 * normal(random)))), 600);
    return {
      customer: random.next() < guestShare ? null : customer(random),
      products: Array.from({ length: lines }, () => product(random)),
    };
  });
}

/** A standard normal draw (Box-Muller). */
function normal(random: SeededRandom): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
