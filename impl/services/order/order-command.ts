// A method that changes an order once: under the order's lock, in one transaction with its event and the saga that it leaves behind,
// and never a second time for a repeat of its request.
import { CompiledQuery, type Transaction } from "kysely";
import type { Call } from "#impl/runtime/call.ts";
import type { Order as OrderMessage } from "#proto/ecommerce/v1/order.ts";
import { requireEtag } from "../shared/etag.ts";
import { answerTimeMs, settledWithin } from "./answer-time.ts";
import { ORDER_TYPE, type Order } from "./order.ts";
import { moved, type OrderChange, storeLines, storeOrder } from "./order-change.ts";
import { wrongStatus } from "./order-errors.ts";
import { orderMessage } from "./order-message.ts";
import { lockOrder } from "./order-reads.ts";
import type { OrderServiceContext } from "./order-service.ts";
import { type StatusEvent, transition } from "./order-status.ts";
import type { Saga } from "./saga/saga.ts";
import { insertSaga, type NewSaga, type SagaLease } from "./saga/saga-insert.ts";

export interface OrderCommand<Q extends OrderRequest> {
  readonly request: Q;
  readonly type: Codec<Q>;
  readonly response: Codec<OrderAnswer>;
  /** Without it the caller must be the buyer. */
  readonly permission: string;
  readonly event: StatusEvent;
  /** What is asked for, in the words of a refusal: "sent". */
  readonly what: string;
  /** What changes beside the state. Throws what stands in its way. */
  readonly decide: (order: Order, now: Date) => Decision;
}

export interface OrderRequest {
  readonly orderId: string;
  readonly etag: string;
  readonly requestId: string;
}

export interface OrderAnswer {
  order: OrderMessage | undefined;
}

export interface Decision {
  readonly change: OrderChange;
  readonly returnReason?: string;
  /** Work that is left for a saga. */
  readonly saga?: Pick<NewSaga, "kind" | "data">;
}

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** How long an answer waits for the saga that was left behind. */
const PATIENCE_MS = 2_000;

export async function runCommand<Q extends OrderRequest>(
  context: OrderServiceContext,
  command: OrderCommand<Q>,
  call: Call,
): Promise<OrderAnswer> {
  const { sagas, events, requestIds, clock } = context;
  const { request, type, response } = command;
  const content = type.encode({ ...request, requestId: "" }).finish();
  const slot = sagas.slot();
  let left: Begun | undefined;
  try {
    const once = { call, requestId: request.requestId, content, response };
    const answer = await requestIds.once(once, async (transaction) => {
      left = undefined;
      const written = await write(context, command, transaction, slot && sagas.lease, call);
      left = written.saga && { saga: written.saga, order: written.order };
      return { order: orderMessage(written.order) };
    });
    events.committed();
    if (left === undefined) return answer;
    if (slot === undefined) sagas.wake();
    else await settledWithin(clock, slot.run(left.saga, left.order), answerTimeMs(call, PATIENCE_MS));
    return answer;
  } finally {
    slot?.free();
  }
}

interface Begun {
  readonly saga: Saga;
  readonly order: Order;
}

async function write<Q extends OrderRequest, T>(
  { access, clock, intake, sagas }: OrderServiceContext,
  { request, permission, event, what, decide }: OrderCommand<Q>,
  transaction: Transaction<T>,
  lease: SagaLease | undefined,
  call: Call,
): Promise<{ readonly order: Order; readonly saga: Saga | undefined }> {
  const { orderId } = request;
  const before = access.require(await lockOrder(transaction, orderId), orderId, call, permission);
  requireEtag(request.etag, before.version, ORDER_TYPE, orderId);
  if (transition(before.status, event) === undefined) throw wrongStatus(before, what);
  const now = new Date(clock.now());
  const { change, returnReason, saga } = decide(before, now);
  const order = moved(before, event, change, now);
  if (!(await storeOrder(transaction, before, [order]))) throw new Error("an order changed under its lock");
  await storeLines(transaction, before, order);
  if (returnReason !== undefined) await storeReturnReason(transaction, orderId, returnReason);
  const needless = saga === undefined || (saga.kind === "notice" && sagas.notices?.concerns(order) !== true);
  if (needless) return { order, saga: undefined };
  return { order, saga: await insertSaga(transaction, { ...saga, sagaId: intake.newId(), orderId }, lease) };
}

const STORE_REASON = "update orders.orders set return_reason = $2 where order_id = $1";

async function storeReturnReason<T>(
  transaction: Transaction<T>,
  orderId: string,
  reason: string,
): Promise<void> {
  await transaction.executeQuery(CompiledQuery.raw(STORE_REASON, [orderId, reason]));
}
