// Orders as they are on the wire.
import type {
  OrderLine as LineMessage,
  Order as OrderMessage,
  OrderTotals as TotalsMessage,
} from "#proto/ecommerce/v1/order.ts";
import type { Money as MoneyMessage } from "#proto/google/type/money.ts";
import { etagOf } from "../shared/etag.ts";
import { moneyToProto } from "../shared/money.ts";
import { lineTotal, type Order, type OrderLine } from "./order.ts";

export function orderMessage(order: Order): OrderMessage {
  const { currency } = order;
  return {
    orderId: order.orderId,
    userId: order.userId ?? "",
    guest: order.guest,
    reference: order.reference,
    status: order.status,
    failure: order.failure && { ...order.failure, lineNumbers: [...order.failure.lineNumbers] },
    lines: order.lines.map((line) => lineMessage(line, currency)),
    charges: order.charges.map(({ kind, label, minorUnits }) => ({
      kind,
      label,
      amount: moneyToProto({ minorUnits, currency }),
    })),
    totals: totalsMessage(order),
    shippingAddress: order.shippingAddress,
    billingAddress: order.billingAddress,
    paymentId: order.paymentId ?? "",
    reservationId: order.reservationId ?? "",
    shipments: order.shipments.map((shipment) => ({ ...shipment })),
    bulkJobId: order.bulk?.jobId ?? "",
    bulkPosition: order.bulk?.position ?? 0n,
    requestId: order.requestId ?? "",
    etag: etagOf(order.version),
    placedTime: order.placedTime,
    createTime: order.createTime,
    updateTime: order.updateTime,
  };
}

function lineMessage(line: OrderLine, currency: string): LineMessage {
  const money = (minorUnits: bigint): MoneyMessage => moneyToProto({ minorUnits, currency });
  return {
    lineNumber: line.lineNumber,
    productId: line.productId,
    sku: line.sku,
    name: line.name,
    quantity: line.quantity,
    unitPrice: money(line.unitPriceMinor),
    priceOverridden: line.priceOverridden,
    lineTotal: money(lineTotal(line)),
    returnedQuantity: line.returnedQuantity,
    refundedQuantity: line.refundedQuantity,
    refundedAmount: money(line.refundedMinor),
  };
}

function totalsMessage({ totals, capturedMinor, refundedMinor, currency }: Order): TotalsMessage {
  const money = (minorUnits: bigint): MoneyMessage => moneyToProto({ minorUnits, currency });
  return {
    lines: money(totals.linesMinor),
    tax: money(totals.taxMinor),
    shipping: money(totals.shippingMinor),
    discount: money(totals.discountMinor),
    total: money(totals.totalMinor),
    captured: money(capturedMinor),
    refunded: money(refundedMinor),
  };
}
