// An order that is paid is sent and arrives: what the warehouse and the carrier tell is written down, and the customer told.
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import type { Shipment as ShipmentMessage } from "#proto/ecommerce/v1/order.ts";
import {
  DeliverOrderRequest,
  DeliverOrderResponse,
  type OrderServiceDefinition,
  ShipOrderRequest,
  ShipOrderResponse,
} from "#proto/ecommerce/v1/order_service.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { isSent, type Order } from "./order.ts";
import { type Decision, runCommand } from "./order-command.ts";
import { wrongStatus } from "./order-errors.ts";
import type { OrderServiceContext } from "./order-service.ts";
import type { NoticeSagaData } from "./saga/notice-saga.ts";

export function fulfilmentHandlers(
  context: OrderServiceContext,
): Pick<HandlersOf<typeof OrderServiceDefinition>, "shipOrder" | "deliverOrder"> {
  const permission = "orders.fulfil";
  return {
    shipOrder(request, call) {
      const { shipment } = request;
      requireStorableText({ shipment }, "");
      requireTime(shipment?.shipTime, "shipment.ship_time");
      const codecs = { request, type: ShipOrderRequest, response: ShipOrderResponse };
      const decide = (order: Order, now: Date): Decision => sent(order, shipment, now);
      return runCommand(
        context,
        { ...codecs, permission, event: { kind: "ship" }, what: "sent", decide },
        call,
      );
    },
    deliverOrder(request, call) {
      requireTime(request.deliverTime, "deliver_time");
      const codecs = { request, type: DeliverOrderRequest, response: DeliverOrderResponse };
      const decide = (order: Order, now: Date): Decision => arrived(order, request.deliverTime ?? now);
      const what = "delivered";
      return runCommand(context, { ...codecs, permission, event: { kind: "deliver" }, what, decide }, call);
    },
  };
}

function sent(order: Order, shipment: ShipmentMessage | undefined, now: Date): Decision {
  if (isSent(order)) throw wrongStatus(order, "sent a second time");
  const { carrier = "", trackingNumber = "", shipTime = now } = shipment ?? {};
  const parcel = { carrier, trackingNumber, shipTime, deliverTime: undefined };
  return { change: { shipments: [parcel] }, saga: notice("order.shipped") };
}

function arrived(order: Order, deliverTime: Date): Decision {
  const under = order.shipments.some((shipment) => shipment.deliverTime === undefined);
  if (!under)
    throw wrongStatus(order, isSent(order) ? "delivered a second time" : "delivered before it is sent");
  const shipments = order.shipments.map((shipment) => ({
    ...shipment,
    deliverTime: shipment.deliverTime ?? deliverTime,
  }));
  return { change: { shipments }, saga: notice("order.delivered") };
}

function notice(event: NoticeSagaData["event"]) {
  const data: NoticeSagaData = { event };
  return { kind: "notice", data } as const;
}

/** The range of a Timestamp on the wire is wider than that of a Date. */
function requireTime(time: Date | undefined, field: string): void {
  if (time === undefined || !Number.isNaN(time.getTime())) return;
  const violation: FieldViolation = {
    field,
    description: "must be a time of the years 1 to 9999",
    reason: "timestamp",
  };
  throw invalidArgument([violation]);
}
