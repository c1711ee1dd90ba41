// Why a write of stock is refused: FAILED_PRECONDITION with a violation for each product or reservation that stands in its way.
import { notFound, RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { RESERVATION_TYPE } from "./reservation.ts";
import { MAX_RECEIVED_UNITS, STOCK_TYPE } from "./stock.ts";

export interface Shortage {
  readonly productId: string;
  readonly requested: bigint;
  readonly available: bigint;
}

export function stockNotFound(productId: string): RpcError {
  return notFound(STOCK_TYPE, productId);
}

export function reservationNotFound(reservationId: string): RpcError {
  return notFound(RESERVATION_TYPE, reservationId);
}

/** Not empty. */
export function insufficientStock(shortages: readonly Shortage[]): RpcError {
  return refused(
    "INSUFFICIENT_STOCK",
    shortages.map(({ productId, requested, available }) => ({
      subject: productId,
      description: `requested ${requested}, available ${available}`,
      values: { product_id: productId, requested: String(requested), available: String(available) },
    })),
  );
}

export function returnExceedsSold(productId: string, returned: bigint, sold: bigint): RpcError {
  const description = `returned ${returned}, sold ${sold}`;
  const values = { product_id: productId, returned: String(returned), sold: String(sold) };
  return refused("RETURN_EXCEEDS_SOLD", [{ subject: productId, description, values }]);
}

/** `received` is what each would come to. Not empty. */
export function stockLimit(
  products: ReadonlyArray<{ readonly productId: string; readonly received: bigint }>,
): RpcError {
  return refused(
    "STOCK_LIMIT",
    products.map(({ productId, received }) => ({
      subject: productId,
      description: `would have received ${received} in all, at most ${MAX_RECEIVED_UNITS}`,
      values: { product_id: productId, received: String(received), limit: String(MAX_RECEIVED_UNITS) },
    })),
  );
}

export function reservationCommitted(reservationId: string): RpcError {
  return reservationEnded("RESERVATION_COMMITTED", reservationId, "the reservation was committed");
}

export function reservationReleased(reservationId: string): RpcError {
  return reservationEnded("RESERVATION_RELEASED", reservationId, "the reservation was released");
}

export function reservationExpired(reservationId: string): RpcError {
  return reservationEnded("RESERVATION_EXPIRED", reservationId, "the reservation has expired");
}

function reservationEnded(reason: string, subject: string, description: string): RpcError {
  return refused(reason, [{ subject, description, values: { reservation_id: subject } }]);
}

interface Refusal {
  readonly subject: string;
  readonly description: string;
  readonly values: Readonly<Record<string, string>>;
}

/** The first is told in the message as well. */
function refused(type: string, refusals: readonly Refusal[]): RpcError {
  const [first] = refusals;
  const more = refusals.length - 1;
  return new RpcError({
    code: Code.FAILED_PRECONDITION,
    reason: type,
    message: `${first?.subject}: ${first?.description}${more > 0 ? `, and ${more} more` : ""}`,
    values: { ...first?.values, violations: String(refusals.length) },
    details: [
      {
        type: "PreconditionFailure",
        violations: refusals.map(({ subject, description }) => ({ type, subject, description })),
      },
    ],
  });
}
