// Stock: nothing is sold that was not there, nothing is lost, and nothing stays promised when nothing runs.

import { type Books, FULFILLED, type StockBook } from "./books.ts";
import { judge, judged, type Verdict } from "./verdict.ts";

const CLAIM =
  "available + reserved + sold = received, none negative, nothing still reserved, and sold is what orders took";

export function stockAddsUp(books: Books): Verdict {
  return judged(CLAIM, () => {
    const taken = unitsTaken(books);
    const contradictions = books.stock.flatMap((stock) => ofProduct(stock, taken.get(stock.productId) ?? 0n));
    const known = new Set(books.stock.map(({ productId }) => productId));
    const strangers = [...taken]
      .filter(([productId, units]) => units > 0n && !known.has(productId))
      .map(([productId, units]) => `product ${productId}: ${units} sold, and it has no stock`);
    return judge(CLAIM, books.stock.length, [...contradictions, ...strangers]);
  });
}

function ofProduct({ productId, received, available, reserved, sold }: StockBook, taken: bigint): string[] {
  const numbers = `received ${received}, available ${available}, reserved ${reserved}, sold ${sold}`;
  return [
    ...(available + reserved + sold === received ? [] : [`product ${productId} does not add up: ${numbers}`]),
    ...([received, available, reserved, sold].some((units) => units < 0n)
      ? [`product ${productId} is negative: ${numbers}`]
      : []),
    ...(reserved === 0n ? [] : [`product ${productId}: ${reserved} still reserved`]),
    ...(sold === taken ? [] : [`product ${productId}: sold ${sold}, and orders took ${taken}`]),
  ];
}

function unitsTaken({ orders }: Books): Map<string, bigint> {
  const taken = new Map<string, bigint>();
  for (const { units, restocked } of orders.filter(({ status }) => FULFILLED.has(status))) {
    for (const [productId, count] of units) {
      taken.set(productId, (taken.get(productId) ?? 0n) + count - (restocked.get(productId) ?? 0n));
    }
  }
  return taken;
}
