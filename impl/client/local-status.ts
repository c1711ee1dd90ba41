// Statuses that the client makes itself, with a reason like those of servers.
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { encodeErrorInfo } from "#impl/runtime/error-details.ts";
import { Code, DETAILS_KEY, encodeDetails } from "#impl/runtime/status.ts";

/** The domain of ErrorInfo of what never left the client. */
export const CLIENT_DOMAIN = "client.grpc-ecommerce";

export type LocalReason =
  /** The breakers of all endpoints that could take the call are open. */
  | "CIRCUIT_OPEN"
  /** There is no connection to any endpoint. */
  | "NO_CONNECTION"
  /** Every endpoint says that it does not serve. */
  | "NO_HEALTHY_ENDPOINT"
  /** No endpoint is known. */
  | "NO_ENDPOINT"
  /** The call came after the client was closed. */
  | "CLIENT_CLOSED"
  /** There were too many hedges lately. */
  | "HEDGE_BUDGET_SPENT";

export function localUnavailable(reason: LocalReason, message: string): StatusObject {
  const metadata = new Metadata();
  const details = [encodeErrorInfo(reason, CLIENT_DOMAIN, {})];
  const bytes = encodeDetails({ code: Code.UNAVAILABLE, message, details, trailers: [] });
  if (bytes !== undefined) metadata.set(DETAILS_KEY, Buffer.from(bytes));
  return { code: status.UNAVAILABLE, details: message, metadata };
}
