// First step: stock is promised to the order, all of it or nothing. Undone by letting go of it.
import { CallError } from "#impl/client/call-error.ts";
import { orRefusal } from "./call-outcome.ts";
import { derivedId } from "./derived-id.ts";
import type { OrderStep } from "./order-step.ts";
import { refused } from "./refused.ts";
import { renewalsOf, reservationId, shortage } from "./reserved-stock.ts";

export const reserve: OrderStep = {
  enter: { kind: "reserve" },

  async run(task, services, signal) {
    const reservation = await reservationId(task, services, signal);
    if (!(reservation instanceof CallError)) return { kind: "done", change: { reservationId: reservation } };
    const failure =
      reservation.reason === "INSUFFICIENT_STOCK"
        ? shortage(task.order, reservation, "out_of_stock")
        : refused(reservation, "fail", "the stock cannot be reserved");
    return { kind: "failed", failure, clean: true };
  },

  async undo(task, services, signal) {
    // One that nobody has heard of may still be on its way: the same request finds it, or makes it, to be let go.
    const reservation = await reservationId(task, services, signal);
    if (reservation instanceof CallError) return {};
    const { orderId } = task.order;
    const requestId = derivedId(orderId, `release/${renewalsOf(task)}`);
    const answer = await orRefusal(
      services.inventory.releaseReservation({ reservationId: reservation, requestId }, { signal }),
    );
    // What was sold has been put back into stock by the undoing of the step that sold it.
    const sold = answer instanceof CallError && answer.reason === "RESERVATION_COMMITTED";
    if (answer instanceof CallError && !(sold && task.saga.step === "capture")) throw answer;
    return { reservationId: reservation };
  },
};
