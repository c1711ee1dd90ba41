// Everything that the services have, read page by page through their lists.

import type { Stock } from "#proto/ecommerce/v1/inventory.ts";
import type { Order, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import { ListOrdersRequest } from "#proto/ecommerce/v1/order_service.ts";
import { ListPaymentsRequest, type Payment } from "#proto/ecommerce/v1/payment.ts";
import type { ShopCallers } from "./shop-callers.ts";

/** An order of a thousand lines has about 150 kB: a page of this many stays below the largest message. */
const ORDERS_A_PAGE = 25;
const PAYMENTS_A_PAGE = 500;
const PRODUCTS_A_BATCH = 200;

export function allOrders({ orders }: ShopCallers, statuses: readonly OrderStatus[] = []): Promise<Order[]> {
  return allPages(async (pageToken) => {
    const request = { statuses: [...statuses], pageSize: ORDERS_A_PAGE, pageToken };
    const page = await orders.listOrders(ListOrdersRequest.create(request));
    return { items: page.orders, next: page.nextPageToken };
  });
}

export function allPayments({ payments }: ShopCallers): Promise<Payment[]> {
  return allPages(async (pageToken) => {
    const request = ListPaymentsRequest.create({ pageSize: PAYMENTS_A_PAGE, pageToken });
    const page = await payments.listPayments(request);
    return { items: page.payments, next: page.nextPageToken };
  });
}

/** Of products whose stock was received. */
export async function allStock({ inventory }: ShopCallers, productIds: readonly string[]): Promise<Stock[]> {
  const found: Stock[] = [];
  for (let from = 0; from < productIds.length; from += PRODUCTS_A_BATCH) {
    const ids = productIds.slice(from, from + PRODUCTS_A_BATCH);
    const { results } = await inventory.batchGetStock({ productIds: ids });
    found.push(...results.flatMap(({ result }) => (result?.$case === "stock" ? [result.value] : [])));
  }
  return found;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string;
}

async function allPages<T>(read: (pageToken: string) => Promise<Page<T>>): Promise<T[]> {
  const found: T[] = [];
  let pageToken = "";
  do {
    const { items, next } = await read(pageToken);
    found.push(...items);
    pageToken = next;
  } while (pageToken !== "");
  return found;
}
