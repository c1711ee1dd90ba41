// InventoryService: handlers read as the steps of the method; what a write decides is in its command, and SQL in the store.
import type { Call } from "#impl/runtime/call.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import {
  AdjustStockRequest,
  AdjustStockResponse,
  CommitReservationRequest,
  CommitReservationResponse,
  InventoryServiceDefinition,
  ReceiveStockRequest,
  ReceiveStockResponse,
  ReleaseReservationRequest,
  ReleaseReservationResponse,
  ReserveStockRequest,
  ReserveStockResponse,
} from "#proto/ecommerce/v1/inventory.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import type { PageTokens } from "../shared/page-token.ts";
import type { IdentifiedRequest } from "../shared/request-id.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { reservationNotFound, stockNotFound } from "./inventory-errors.ts";
import { reservationMessage, stockMessage } from "./inventory-messages.ts";
import type { InventoryStore } from "./inventory-store.ts";
import { DEFAULT_TTL_MS, type Reservation } from "./reservation.ts";
import { commitReservation, releaseReservation, reserveStock } from "./reservation-commands.ts";
import type { Stock } from "./stock.ts";
import { batchGetStock } from "./stock-batch.ts";
import { adjustStock, receiveStock, setThreshold } from "./stock-commands.ts";
import { watchStock } from "./stock-watch.ts";

export interface InventoryServiceOptions {
  readonly store: InventoryStore;
  /** The one that the store writes. */
  readonly events: EventLog;
  /** For resume tokens. */
  readonly tokens: PageTokens;
  readonly newId: NewId;
}

export function createInventoryService(options: InventoryServiceOptions): ServiceImplementation {
  const { store, newId } = options;
  return implement(InventoryServiceDefinition, {
    async getStock({ productId }, { signal }) {
      const stock = await store.find(productId, signal);
      if (stock === undefined) throw stockNotFound(productId);
      return { stock: stockMessage(stock) };
    },

    async batchGetStock({ productIds }, call) {
      return { results: await batchGetStock(productIds, store, call) };
    },

    receiveStock(request, call) {
      const { items, reference } = request;
      requireStorableText({ reference }, "");
      const delivery = receiveStock({ items, reference, movedBy: call.principal?.userId });
      const once = identified(ReceiveStockRequest, ReceiveStockResponse, request, call);
      return store.writeOnce(once, delivery, (stocks) => ({ stocks: stocks.map(stockMessage) }));
    },

    adjustStock(request, call) {
      const { productId, delta, reason, note, etag } = request;
      requireStorableText({ note }, "");
      const movedBy = call.principal?.userId;
      const adjustment = adjustStock({ productId, delta, reason, note, etag, movedBy });
      const once = identified(AdjustStockRequest, AdjustStockResponse, request, call);
      return store.writeOnce(once, adjustment, stockAnswer);
    },

    async setLowStockThreshold({ productId, lowStockThreshold }, { signal }) {
      return stockAnswer(await store.write(setThreshold(productId, lowStockThreshold), signal));
    },

    reserveStock(request, call) {
      const { orderId, items, ttl } = request;
      const ttlMs = millisecondsOf(ttl) ?? DEFAULT_TTL_MS;
      const reservation = reserveStock({ reservationId: newId(), orderId, items, ttlMs });
      const once = identified(ReserveStockRequest, ReserveStockResponse, request, call);
      return store.writeOnce(once, reservation, reservationAnswer);
    },

    async getReservation({ reservationId }, { signal }) {
      const reservation = await store.findReservation(reservationId, signal);
      if (reservation === undefined) throw reservationNotFound(reservationId);
      return reservationAnswer(reservation);
    },

    commitReservation(request, call) {
      const once = identified(CommitReservationRequest, CommitReservationResponse, request, call);
      return store.writeOnce(once, commitReservation(request.reservationId), reservationAnswer);
    },

    releaseReservation(request, call) {
      const once = identified(ReleaseReservationRequest, ReleaseReservationResponse, request, call);
      return store.writeOnce(once, releaseReservation(request.reservationId), reservationAnswer);
    },

    watchStock: (request, call) => watchStock(options, request, call),
  });
}

function stockAnswer(stock: Stock) {
  return { stock: stockMessage(stock) };
}

function reservationAnswer(reservation: Reservation) {
  return { reservation: reservationMessage(reservation) };
}

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

function identified<Q extends { requestId: string }, R>(
  requestType: Codec<Q>,
  response: Codec<R>,
  request: Q,
  call: Call,
): IdentifiedRequest<R> {
  const content = requestType.encode({ ...request, requestId: "" }).finish();
  return { call, requestId: request.requestId, content, response };
}
