// Third step: stock and money are secured, and the customer can rely on the order. It is nothing but the state, which is written
// together with the beginning of the next step; what must be undone belongs to the steps before and after.
import type { OrderStep } from "./order-step.ts";

export const confirm: OrderStep = { enter: { kind: "confirm" } };
