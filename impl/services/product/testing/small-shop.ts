// A shop small enough to know by heart, for tests of what a search finds.
import { Availability, type Product } from "#proto/ecommerce/v1/product.ts";
import { create, type ProductFixture, pounds } from "./product-fixture.ts";

const { AVAILABILITY_LOW_STOCK, AVAILABILITY_OUT_OF_STOCK } = Availability;
const shop: Partial<Product>[] = [
  {
    name: "White hanging lantern",
    category: "home/lighting",
    price: pounds(1_500n),
    attributes: { colour: "white" },
  },
  {
    name: "Red lantern",
    category: "home/lighting",
    price: pounds(900n),
    attributes: { colour: "red", size: "L" },
  },
  {
    name: "Garden chair",
    category: "garden",
    price: pounds(4_000n),
    description: "Sits well beside a lantern",
  },
  {
    name: "Office chair",
    category: "home-office",
    price: pounds(9_900n),
    availability: AVAILABILITY_LOW_STOCK,
  },
  { name: "Cushion", category: "home", price: pounds(900n), availability: AVAILABILITY_OUT_OF_STOCK },
  {
    name: "äpfel",
    price: { currencyCode: "EUR", units: 3n, nanos: 0 },
    attributes: { colour: "red" },
    sku: "FRUIT-77",
  },
];

/** The products of the shop in this order, and one that was deleted. */
export async function fillShop(client: ProductFixture["client"]): Promise<void> {
  for (const product of shop) await create(client, product);
  const gone = await create(client, { name: "Deleted lantern", category: "home/lighting" });
  await client.deleteProduct({ productId: gone.productId, etag: "" });
}
