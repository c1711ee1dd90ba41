// What becomes of orders, as simply as it can be said: numbers in memory, one step after another, and no code of the service.
import {
  askBack,
  cancel,
  deliver,
  IN_PROCESS,
  type ModelOrder,
  type Outcome,
  process,
  refund,
  ship,
  takeBack,
} from "./model-order.ts";
import type { CreateStep, OrderStep } from "./order-steps.ts";

export class OrderModel {
  readonly orders: ModelOrder[] = [];

  /** Undefined when there is none. */
  order(index: number): ModelOrder | undefined {
    return this.orders[index % this.orders.length];
  }

  /** Whether the step means something now. */
  bears(step: OrderStep): boolean {
    if (step.do === "create" || step.do === "work") return true;
    const order = this.order(step.order);
    if (order === undefined) return false;
    if (step.do === "refund again") return order.lastRefund !== undefined;
    // Its money could never be given back, and so the cancellation would never end.
    return step.do !== "cancel" || order.step.card !== "refundFails";
  }

  take(step: OrderStep): Outcome {
    if (step.do === "create") return this.#create(step);
    if (step.do === "work") {
      if (step.until === undefined) this.settle();
      return "ok";
    }
    const order = this.order(step.order);
    if (order === undefined || step.do === "cut") return "ok";
    if (step.do === "create again") return step.changed ? "REQUEST_ID_REUSED" : "ok";
    if (step.do === "refund again") return step.changed ? "REQUEST_ID_REUSED" : (order.lastRefund ?? "ok");
    if (step.do === "cancel" && order.status === "CANCELLED") return "ok";
    if (step.stale) return "ETAG_MISMATCH";
    switch (step.do) {
      case "cancel":
        return cancel(order);
      case "ship":
        return ship(order);
      case "deliver":
        return deliver(order);
      case "ask back":
        return askBack(order, step.line, BigInt(step.quantity));
      case "take back":
        return takeBack(order, step.line, BigInt(step.quantity), step.restock);
      case "refund":
        return refund(order, step);
    }
  }

  /** All processing comes to its end. */
  settle(): void {
    for (const order of this.orders) process(order);
  }

  /** Whether the order can be found in this state after some of its processing; from then on it is in it. */
  found(order: ModelOrder, status: string): boolean {
    if (IN_PROCESS.includes(status)) {
      const [was, is] = [IN_PROCESS.indexOf(order.status), IN_PROCESS.indexOf(status)];
      if (was >= 0) order.status = status;
      return was >= 0 && was <= is;
    }
    process(order);
    return order.status === status;
  }

  #create(step: CreateStep): Outcome {
    const goods = step.lines.map(({ quantity, price }) => BigInt(quantity * price));
    const shares = sharesOf(BigInt(step.shipping), goods);
    const lines = step.lines.map(({ quantity }, index) => ({
      quantity: BigInt(quantity),
      paid: (goods[index] ?? 0n) + (shares[index] ?? 0n),
      asked: 0n,
      returned: 0n,
      withdrawn: 0n,
      refunded: 0n,
      refundedAmount: 0n,
    }));
    this.orders.push({
      step,
      lines,
      total: lines.reduce((sum, { paid }) => sum + paid, 0n),
      status: "PENDING",
      captured: 0n,
      refunded: 0n,
      sent: false,
      delivered: false,
      restocked: 0n,
      lastRefund: undefined,
    });
    return "ok";
  }
}

/** By the method of largest remainders; of equal ones the first is served first. */
function sharesOf(amount: bigint, weights: readonly bigint[]): bigint[] {
  const sum = weights.reduce((total, weight) => total + weight, 0n);
  const shares = weights.map((weight) => (amount * weight) / sum);
  const remainder = (index: number): bigint => (amount * (weights[index] ?? 0n)) % sum;
  const served = [...weights.keys()].sort((one, other) => Number(remainder(other) - remainder(one)));
  const left = Number(amount - shares.reduce((total, share) => total + share, 0n));
  for (const index of served.slice(0, left)) shares[index] = (shares[index] ?? 0n) + 1n;
  return shares;
}
