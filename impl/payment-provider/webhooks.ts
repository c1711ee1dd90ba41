// Posts what happened to the shop, signed as Standard Webhooks has it: at least once, perhaps late, twice and out of order. An event that
// was not taken is posted again, with longer and longer pauses, for as long as it matters.
import { Webhook } from "standardwebhooks";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Behavior } from "./behavior.ts";
import type { Faults } from "./faults.ts";
import type { Operation } from "./operation.ts";

/** As it is posted. Its id is the same for every delivery. */
export type ProviderEvent = {
  readonly id: string;
  readonly created_at: number;
} & (
  | { readonly type: `operation.${Operation["status"]}`; readonly data: { readonly operation: Operation } }
  | { readonly type: "authorization.expired"; readonly data: { readonly authorization: string } }
);

export interface WebhookOptions {
  /** "whsec_" and base64. */
  readonly secret: string;
  readonly behavior: () => Behavior;
  readonly faults: Faults;
  readonly clock: Clock;
  /** Told once of every event that was taken. */
  readonly onDelivered: (event: ProviderEvent) => void;
}

export interface Webhooks {
  post(event: ProviderEvent): void;
  /** Forgets what is not delivered; it is posted again after the next start. */
  stop(): void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
const GIVE_UP_AFTER_MS = 3 * 86_400_000;
const TIMEOUT_MS = 10_000;

export function createWebhooks({ secret, behavior, faults, clock, onDelivered }: WebhookOptions): Webhooks {
  const signer = new Webhook(secret);
  const stopped = new AbortController();
  const deliver = async (event: ProviderEvent): Promise<boolean> => {
    const payload = JSON.stringify(event);
    const sentAt = new Date(clock.now());
    const { url } = behavior().webhooks;
    if (url === "") return false;
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "webhook-id": event.id,
        "webhook-timestamp": String(Math.floor(sentAt.getTime() / 1000)),
        "webhook-signature": signer.sign(event.id, sentAt, payload),
      },
      body: payload,
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), stopped.signal]),
    });
    await response.body?.cancel();
    return response.ok;
  };
  const attempt = async (event: ProviderEvent, pauseMs: number, first: boolean): Promise<void> => {
    // A shop that is not there is as good as one that refuses: the event comes again.
    const taken = await deliver(event).catch(() => false);
    if (stopped.signal.aborted) return;
    if (taken && first) onDelivered(event);
    if (taken || clock.now() - event.created_at > GIVE_UP_AFTER_MS) return;
    clock.after(pauseMs, () => void attempt(event, Math.min(pauseMs * 2, LONGEST_PAUSE_MS), first));
  };
  return {
    post(event) {
      if (behavior().webhooks.url === "" || clock.now() - event.created_at > GIVE_UP_AFTER_MS) return;
      clock.after(faults.webhookDelayMs(), () => void attempt(event, FIRST_PAUSE_MS, true));
      if (!faults.webhookIsDuplicated()) return;
      clock.after(faults.webhookDelayMs(), () => void attempt(event, FIRST_PAUSE_MS, false));
    },
    stop: () => stopped.abort(),
  };
}
