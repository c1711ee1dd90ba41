// ListOrders: conditions and place of a page, and a page that is never larger than a caller takes, however many lines its orders have.
import type { Call } from "#impl/runtime/call.ts";
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import type { Order as OrderMessage } from "#proto/ecommerce/v1/order.ts";
import type { ListOrdersRequest, ListOrdersResponse } from "#proto/ecommerce/v1/order_service.ts";
import type { TokenUse } from "../shared/page-token.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import type { Order } from "./order.ts";
import { orderMessage } from "./order-message.ts";
import { type OrderConditions, type OrderPlace, readPage } from "./order-pages.ts";
import type { OrderServiceContext } from "./order-service.ts";

const DEFAULT_PAGE_SIZE = 50;
const LARGEST_PAGE_SIZE = 500;
/** Half of what a caller takes by default; a single order may be larger. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024;
/** Read at a time: orders may have a thousand lines. */
const READ_AT_ONCE = 50;

export async function listOrders(
  { database, tokens }: OrderServiceContext,
  request: ListOrdersRequest,
  call: Call,
): Promise<ListOrdersResponse> {
  const conditions = conditionsOf(request);
  const use = tokenUse(conditions);
  const size = Math.min(request.pageSize === 0 ? DEFAULT_PAGE_SIZE : request.pageSize, LARGEST_PAGE_SIZE);
  const orders: OrderMessage[] = [];
  let after = request.pageToken === "" ? undefined : placeOf(tokens.open(use, request.pageToken));
  for (let bytes = 0; ; ) {
    // One more than there is room for tells whether there is a next page.
    const limit = Math.min(READ_AT_ONCE, size - orders.length + 1);
    const read = await readPage(database.queries, { conditions, after, limit }, call.signal);
    for (const order of read) {
      bytes += bytesOf(order);
      const full = orders.length === size || (bytes > MAX_PAGE_BYTES && orders.length > 0);
      if (full && after !== undefined) return { orders, nextPageToken: tokens.seal(use, textOf(after)) };
      orders.push(orderMessage(order));
      after = placeAfter(order);
    }
    if (read.length < limit) return { orders, nextPageToken: "" };
  }
}

/** About what it has on the wire, and rather more. */
function bytesOf({ lines }: Order): number {
  return lines.reduce((bytes, { name }) => bytes + 256 + 3 * name.length, 1_024);
}

function conditionsOf(request: ListOrdersRequest): OrderConditions {
  const { reference, placedAfter, placedBefore } = request;
  requireStorableText({ reference }, "");
  requireTimes({ placed_after: placedAfter, placed_before: placedBefore });
  return {
    userId: request.userId.toLowerCase(),
    statuses: request.statuses.toSorted((one, other) => one - other),
    placedAfter,
    placedBefore,
    reference,
    bulkJobId: request.bulkJobId.toLowerCase(),
    productId: request.productId.toLowerCase(),
  };
}

/** The range of a Timestamp on the wire is wider than that of a Date. */
function requireTimes(times: Readonly<Record<string, Date | undefined>>): void {
  const violations = Object.entries(times).flatMap(([field, time]): FieldViolation[] => {
    if (time === undefined || !Number.isNaN(time.getTime())) return [];
    return [{ field, description: "must be a time of the years 1 to 9999", reason: "timestamp" }];
  });
  if (violations.length > 0) throw invalidArgument(violations);
}

function tokenUse(conditions: OrderConditions): TokenUse {
  return { purpose: "orders.list.1", field: "page_token", boundTo: JSON.stringify(conditions) };
}

function placeAfter({ placedTime, orderId, bulk }: Order): OrderPlace {
  return { placedTime, orderId, bulkPosition: bulk?.position ?? 0n };
}

function textOf({ placedTime, orderId, bulkPosition }: OrderPlace): string {
  return `${placedTime.getTime()} ${orderId} ${bulkPosition}`;
}

function placeOf(text: string): OrderPlace {
  const [time = "", orderId = "", position = "0"] = text.split(" ");
  return { placedTime: new Date(Number(time)), orderId, bulkPosition: BigInt(position) };
}
