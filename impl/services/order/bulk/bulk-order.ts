// An order of a bulk job on its way from the stream into the database, and what becomes of one that does not get there.
import { cut } from "#impl/runtime/error-details.ts";
import type { NewOrder } from "#proto/ecommerce/v1/order.ts";

/** An order by its place in the job, from 0 to MAX_POSITION. */
export interface PlacedOrder {
  readonly position: number;
  readonly order: NewOrder;
}

/** The rule of the schema. */
export const MAX_POSITION = 9_999_999;

/** Why an order was not taken: the first rule that it broke, or that its batch was lost. */
export interface Rejection {
  readonly position: number;
  /** The order's own. */
  readonly reference: string;
  /** Stable code in capitals. */
  readonly reason: string;
  /** Path of the field at fault, such as "order.lines[3].quantity"; empty when it is the order as a whole. */
  readonly field: string;
  readonly message: string;
}

/** What can be wrong with an order. */
export type Fault = Pick<Rejection, "reason" | "field" | "message">;

const MAX_REFERENCE_CHARS = 64;
const MAX_FIELD_CHARS = 64;
const MAX_MESSAGE_CHARS = 100;

/** Texts are cut, so that the 10,000 rejections of an answer fit one message, and made such that PostgreSQL can hold them. */
export function rejected({ position, order }: PlacedOrder, { reason, field, message }: Fault): Rejection {
  return {
    position,
    reference: cut(order.reference.replaceAll("\0", "\ufffd"), MAX_REFERENCE_CHARS),
    reason,
    field: cut(field, MAX_FIELD_CHARS),
    message: cut(message, MAX_MESSAGE_CHARS),
  };
}

export function byPosition(a: { readonly position: number }, b: { readonly position: number }): number {
  return a.position - b.position;
}
