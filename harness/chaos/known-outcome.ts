// A customer's way to an outcome: the same request again until the system has answered it, or until the customer gives up. Knows what was
// sent and what came back, and claims no more: a request that was given up after it may have arrived is unknown, whenever it takes effect.

import { setTimeout as sleep } from "node:timers/promises";
import { RpcFailure } from "#harness/rpc/rpc-failure.ts";
import { type ShopCallers, shopCallers } from "#harness/shop/shop-callers.ts";
import type { Reconnecting } from "./reconnecting.ts";

export type Outcome<T> =
  | { readonly outcome: "ok"; readonly answer: T }
  /** It had no effect and will have none. Without a failure it was never sent. */
  | { readonly outcome: "fail"; readonly failure: RpcFailure | undefined }
  | { readonly outcome: "unknown" };

export interface Asking {
  readonly connection: Reconnecting;
  readonly token: string;
  /** How long is tried before the customer gives up. */
  readonly patienceMs: number;
  /** Of the run: it ends the customer, who learns nothing. */
  readonly signal: AbortSignal;
}

const RETRY_MS = 100;
/** Of one attempt. A frozen or unreachable system answers nothing: the attempt is given up, not the request. */
const CALL_TIMEOUT_MS = 5_000;

/** Rejects with the run's reason when `signal` is aborted, and with whatever is no failure of a call. `call` must be safe to repeat. */
export async function untilKnown<T>(
  { connection, token, patienceMs, signal }: Asking,
  call: (callers: ShopCallers) => Promise<T>,
): Promise<Outcome<T>> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  let inDoubt = false;
  while (!patience.aborted) {
    const current = await connection.get(patience).catch(() => undefined);
    if (current === undefined) break;
    try {
      const answer = await call(shopCallers(current, token, patience, CALL_TIMEOUT_MS));
      return { outcome: "ok", answer };
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      if (error.outcomeUnknown) inDoubt = true;
      // After a doubtful attempt a refusal says what happened to this one, not to that one.
      else if (error.failure !== "not-processed") {
        return inDoubt ? { outcome: "unknown" } : { outcome: "fail", failure: error };
      }
      if (error.failure === "cancelled" && !patience.aborted) connection.discard(current);
    }
    await sleep(RETRY_MS, undefined, { signal: patience }).catch(() => {});
  }
  signal.throwIfAborted();
  return inDoubt ? { outcome: "unknown" } : { outcome: "fail", failure: undefined };
}
