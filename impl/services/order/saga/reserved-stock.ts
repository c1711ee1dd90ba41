// The stock that is promised to an order: asked for by one request, and by another each time that a promise ran out before it was
// kept. How often that was is kept with the saga before the next promise is asked for, so that none is forgotten.
import { CallError } from "#impl/client/call-error.ts";
import { AdjustmentReason, type StockItem } from "#proto/ecommerce/v1/inventory.ts";
import type { Order } from "../order.ts";
import { orRefusal } from "./call-outcome.ts";
import { derivedId } from "./derived-id.ts";
import type { StepServices } from "./order-step.ts";
import type { SagaFailure, SagaTask } from "./saga.ts";

const CALLS_AT_ONCE = 8;

/** What the saga of an order keeps for its steps. */
export interface OrderSagaData {
  /** Promises that ran out. */
  readonly renewals: number;
}

export function renewalsOf({ saga }: SagaTask): number {
  const { data } = saga;
  if (typeof data !== "object" || data === null || !("renewals" in data)) return 0;
  return Number(data.renewals);
}

/** The id of the present reservation, made now if it was not; or the refusal. The same however often it is asked for. */
export async function reservationId(
  task: SagaTask,
  { inventory, reservationTtlMs }: StepServices,
  signal: AbortSignal,
): Promise<string | CallError> {
  const { order } = task;
  const renewals = renewalsOf(task);
  if (renewals === 0 && order.reservationId !== undefined) return order.reservationId;
  const what = renewals === 0 ? "reserve" : `reserve/${renewals}`;
  const request = {
    orderId: order.orderId,
    items: unitsOf(order),
    ttl: { seconds: BigInt(Math.trunc(reservationTtlMs / 1_000)), nanos: 0 },
    requestId: derivedId(order.orderId, what),
  };
  const answer = await orRefusal(inventory.reserveStock(request, { signal }));
  if (answer instanceof CallError) return answer;
  if (answer.reservation === undefined) throw new TypeError("a reservation was answered that is not there");
  return answer.reservation.reservationId;
}

/** One item for each product, however many lines it stands on. */
export function unitsOf({ lines }: Pick<Order, "lines">): StockItem[] {
  const units = new Map<string, bigint>();
  for (const { productId, quantity } of lines) units.set(productId, (units.get(productId) ?? 0n) + quantity);
  return Array.from(units, ([productId, quantity]) => ({ productId, quantity }));
}

export function shortage({ lines }: Order, refusal: CallError, end: SagaFailure["end"]): SagaFailure {
  const short = new Set(
    refusal.details.preconditionFailure?.violations.flatMap(({ type, subject }) =>
      type === "INSUFFICIENT_STOCK" ? [subject] : [],
    ),
  );
  const at = lines.filter(({ productId }) => short.has(productId));
  const skus = [...new Set(at.map(({ sku }) => sku))];
  return {
    end,
    reason: "INSUFFICIENT_STOCK",
    message: `there is not enough of ${skus.slice(0, 10).join(", ")}${skus.length > 10 ? " ..." : ""}`,
    lineNumbers: at.map(({ lineNumber }) => lineNumber),
  };
}

export interface GoodsBack {
  readonly productId: string;
  readonly quantity: bigint;
  /** Derived from what brings them back. */
  readonly requestId: string;
}

/** From sold back to available. A refusal goes to `onRefusal`; any other failure is thrown. */
export async function putBackIntoStock(
  goods: readonly GoodsBack[],
  note: string,
  { inventory }: Pick<StepServices, "inventory">,
  signal: AbortSignal,
  onRefusal: (refusal: CallError, back: GoodsBack) => void,
): Promise<void> {
  const left = goods.values();
  const work = async (): Promise<void> => {
    for (const back of left) {
      const { productId, quantity: delta, requestId } = back;
      const reason = AdjustmentReason.ADJUSTMENT_REASON_RETURN;
      const request = { productId, delta, reason, note, etag: "", requestId };
      const answer = await orRefusal(inventory.adjustStock(request, { signal }));
      if (answer instanceof CallError) onRefusal(answer, back);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CALLS_AT_ONCE, goods.length) }, work));
}
