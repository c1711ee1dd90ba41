// The form of WatchOrders' resume tokens. OrderService makes them; the gateway, which feeds many streams from one of all orders, knows
// by it which place a token stands for.
import type { TokenUse } from "./page-token.ts";

export function watchOrdersTokens(
  userId: string,
  orderIds: readonly string[],
  statuses: readonly number[],
): Pick<TokenUse, "purpose" | "boundTo"> {
  return { purpose: "orders.watch.1", boundTo: JSON.stringify([userId, orderIds, statuses]) };
}
