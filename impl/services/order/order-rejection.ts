// Why an order was not taken, as a value: a bulk job reports it and goes on, CreateOrder throws it.
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import { invalidArgument, permissionDenied, type RpcError } from "#impl/runtime/rpc-error.ts";

export type RejectionReason = "INVALID_ORDER" | "PRODUCT_NOT_FOUND" | "PERMISSION_MISSING";

export interface OrderRejection {
  readonly reason: RejectionReason;
  /** In words. */
  readonly message: string;
  /** The fields at fault, "order.lines[3].quantity". At least one, but for a missing permission none is needed. */
  readonly violations: readonly FieldViolation[];
  /** The permission that the caller lacks. */
  readonly permission?: string;
}

/** PRODUCT_NOT_FOUND when every violation is about a product that is not there. */
export function rejection(violations: readonly FieldViolation[]): OrderRejection {
  const [first] = violations;
  const gone = violations.every(
    ({ reason }) => reason === "order.unknown_product" || reason === "order.deleted_product",
  );
  return {
    reason: gone ? "PRODUCT_NOT_FOUND" : "INVALID_ORDER",
    message: first === undefined ? "the order is not valid" : `${first.field}: ${first.description}`,
    violations,
  };
}

export function missingPermission(permission: string, field: string): OrderRejection {
  const description = `needs the permission ${permission}`;
  return {
    reason: "PERMISSION_MISSING",
    message: `${field}: ${description}`,
    violations: [{ field, description, reason: "order.permission_missing" }],
    permission,
  };
}

/** INVALID_ARGUMENT, or PERMISSION_DENIED. */
export function rejectionError({ violations, permission }: OrderRejection): RpcError {
  return permission === undefined ? invalidArgument(violations) : permissionDenied([permission]);
}
