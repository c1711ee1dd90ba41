// Sends a notification to its webhook endpoint as the Standard Webhooks specification has it: the id stays the same with every attempt, so
// that a receiver can tell a repeat; the timestamp is that of the attempt; and there is a signature by each secret that is in force.
import { Webhook } from "standardwebhooks";
import type { Clock } from "#impl/runtime/clock.ts";
import { type SecretBox, SecretUnreadable } from "../shared/secret-box.ts";
import { AddressRefused } from "./address-policy.ts";
import { DELIVERED, type DeliveryOutcome } from "./delivery-outcome.ts";
import type { EndpointStore, SigningEndpoint } from "./endpoint-store.ts";
import type { Notification } from "./notification.ts";
import type { Answer, WebhookPosts } from "./webhook-post.ts";

export interface WebhookSenderOptions {
  readonly endpoints: Pick<EndpointStore, "signing">;
  readonly secrets: SecretBox;
  readonly posts: WebhookPosts;
  readonly clock: Clock;
}

const USER_AGENT = "grpc-ecommerce-webhooks/1";

export function createWebhookSender({ endpoints, secrets, posts, clock }: WebhookSenderOptions) {
  return async (notification: Notification, signal: AbortSignal): Promise<DeliveryOutcome> => {
    const { notificationId, endpointId = "", body } = notification;
    const now = new Date(clock.now());
    const endpoint = await endpoints.signing(endpointId, now, signal);
    if (endpoint === undefined) return { kind: "unsendable", error: "the endpoint was deleted" };
    if (endpoint.disabled) return { kind: "unsendable", error: "the endpoint is disabled" };
    try {
      const headers = headersOf(notificationId, now, body, secretsOf(endpoint, secrets));
      return outcomeOf(await posts.post(new URL(endpoint.url), headers, body, signal));
    } catch (error) {
      return outcomeOfFailure(error, signal);
    }
  };
}

function secretsOf({ endpointId, sealedSecrets }: SigningEndpoint, box: SecretBox): string[] {
  return sealedSecrets.map((sealed) => box.open(sealed, endpointId));
}

function headersOf(id: string, time: Date, body: string, secrets: readonly string[]): Record<string, string> {
  return {
    "content-type": "application/json; charset=utf-8",
    "content-length": String(Buffer.byteLength(body)),
    "user-agent": USER_AGENT,
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(time.getTime() / 1_000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(id, time, body)).join(" "),
  };
}

function outcomeOf({ status, retryAfterMs }: Answer): DeliveryOutcome {
  if (status >= 200 && status < 300) return DELIVERED;
  const error = `the receiver answered ${status}`;
  if (status === 410) return { kind: "refused", error, gone: true };
  return { kind: "failed", error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

function outcomeOfFailure(error: unknown, signal: AbortSignal): DeliveryOutcome {
  if (error instanceof AddressRefused) return { kind: "refused", error: error.message };
  // Configuration can be put right, and then the next attempt succeeds.
  if (error instanceof SecretUnreadable) return { kind: "failed", error: error.message };
  if (signal.aborted) return { kind: "failed", error: reasonOf(signal) };
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  if (code === undefined) throw error;
  return { kind: "failed", error: `no answer: ${code}` };
}

function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : String(reason);
}
