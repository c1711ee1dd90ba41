// What came back from a customer and can be sold again is put back into stock. A refusal is for people to look at: it holds nobody up.
import { derivedId } from "./derived-id.ts";
import type { OrderSagaContext } from "./order-saga.ts";
import { putBackIntoStock } from "./reserved-stock.ts";
import type { SagaRun, SagaTask } from "./saga.ts";

/** Line numbers and units. */
export interface ReturnSagaData {
  readonly goods: readonly (readonly [lineNumber: number, quantity: string])[];
}

export async function runReturnSaga(run: SagaRun, context: OrderSagaContext): Promise<void> {
  await restock(run, goodsOf(run.task.saga.data), context);
  await context.store.end(run.task.saga);
}

export async function restock(
  { task, signal }: SagaRun,
  goods: ReturnSagaData["goods"],
  { services, log }: OrderSagaContext,
): Promise<void> {
  const { orderId } = task.order;
  const back = goods.map(([lineNumber, quantity]) => ({
    productId: productOf(task, lineNumber),
    quantity: BigInt(quantity),
    requestId: derivedId(task.saga.sagaId, `restock/${lineNumber}`),
  }));
  await putBackIntoStock(back, `order ${orderId}: returned`, services, signal, (refusal, { productId }) =>
    log.error({ err: refusal, orderId, productId }, "returned goods could not be put back into stock"),
  );
}

function productOf({ order }: SagaTask, lineNumber: number): string {
  const line = order.lines[lineNumber - 1];
  if (line === undefined) throw new TypeError(`order ${order.orderId} has no line ${lineNumber}`);
  return line.productId;
}

function goodsOf(data: unknown): ReturnSagaData["goods"] {
  if (typeof data === "object" && data !== null && "goods" in data && Array.isArray(data.goods))
    return data.goods;
  throw new TypeError("a return without goods");
}
