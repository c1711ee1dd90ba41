// What the provider says by itself, late, twice and in any order. An event settles a transaction that is still pending, and does nothing else:
// so its order does not matter, and a repeat has nothing left to do. Its signature is its credential.
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { invalidArgument, unauthenticated } from "#impl/runtime/rpc-error.ts";
import type { ReceiveProviderEventRequest } from "#proto/ecommerce/v1/payment.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { isPending, TransactionState, transactionOf } from "./payment.ts";
import { recordOutcome } from "./payment-attempts.ts";
import type { PaymentStore } from "./payment-store.ts";
import type { ProviderEventInbox } from "./provider-event-inbox.ts";
import { type Json, MalformedAnswer, member, outcomeOf, parseJson, text } from "./provider-json.ts";

export interface ProviderEventOptions {
  readonly store: PaymentStore;
  readonly inbox: ProviderEventInbox;
  /** "whsec_" and base64. More than one while a secret is being replaced: any of them will do. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of an authorization that has run out: reconciliation asks the provider about it. */
  readonly onExpired?: () => void;
}

export interface ProviderEvents {
  /** UNAUTHENTICATED for a wrong signature, and for one that is more than five minutes old or ahead. */
  receive(request: ReceiveProviderEventRequest, signal: AbortSignal): Promise<void>;
}

export function createProviderEvents(options: ProviderEventOptions): ProviderEvents {
  const { store, inbox, clock, log, onExpired } = options;
  if (options.secrets.length === 0) throw new RangeError("provider event secrets: must be at least one");
  const verifiers = options.secrets.map((secret) => new Webhook(secret));

  const settleBy = async (operation: Json, signal: AbortSignal): Promise<void> => {
    const transactionId = text(operation, "idempotency_key");
    const outcome = outcomeOf(operation);
    const payment = isUuid(transactionId) ? await store.findByTransaction(transactionId, signal) : undefined;
    if (payment === undefined) {
      log.warn({ transactionId }, "the payment provider told of a transaction that is not ours");
      return;
    }
    const transaction = transactionOf(payment, transactionId);
    if (isPending(transaction)) {
      await recordOutcome({ store, clock }, payment, transactionId, outcome);
    } else if (
      (transaction.state === TransactionState.TRANSACTION_STATE_SUCCEEDED) !==
      (outcome.kind === "succeeded")
    ) {
      log.error(
        { paymentId: payment.paymentId, transactionId, outcome: outcome.kind },
        "the payment provider says otherwise than the books",
      );
    }
  };

  /** Taken once, by the delivery's id. */
  const takeOnce = async (
    webhookId: string,
    signal: AbortSignal,
    take: () => Promise<void>,
  ): Promise<void> => {
    if (await inbox.knows(webhookId, signal)) return;
    await take();
    // After its effect: of a crash between the two comes a repeat that finds nothing to do.
    await inbox.remember(webhookId, new Date(clock.now()), signal);
  };

  const apply = async (
    { payload, webhookId }: ReceiveProviderEventRequest,
    signal: AbortSignal,
  ): Promise<void> => {
    const event = parseJson(Buffer.from(payload).toString());
    const type = text(event, "type");
    if (type.startsWith("operation.")) {
      // By far the most, and mostly after the answer: what is settled says by itself that a repeat has nothing to do.
      await settleBy(member(member(event, "data"), "operation"), signal);
    } else if (type === "authorization.expired") {
      const authorization = text(member(event, "data"), "authorization");
      await takeOnce(webhookId, signal, async () => {
        if (await inbox.holdMayHaveExpired(authorization, new Date(clock.now()), signal)) onExpired?.();
      });
    } else {
      log.info({ type }, "an event of the payment provider of an unknown type");
    }
  };

  return {
    async receive(request, signal) {
      requireStorableText({ webhookId: request.webhookId }, "");
      requireSignature(verifiers, request);
      await apply(request, signal).catch(refuseMalformed);
    },
  };
}

function requireSignature(verifiers: readonly Webhook[], request: ReceiveProviderEventRequest): void {
  const seconds = Math.floor((request.sentTime?.getTime() ?? Number.NaN) / 1_000);
  const headers = {
    "webhook-id": request.webhookId,
    "webhook-timestamp": String(seconds),
    "webhook-signature": request.signature,
  };
  const isSigned = verifiers.some((verifier) => {
    try {
      verifier.verify(Buffer.from(request.payload), headers, { jsonParse: false });
      return true;
    } catch (error) {
      if (error instanceof WebhookVerificationError) return false;
      throw error;
    }
  });
  if (!isSigned) {
    throw unauthenticated("SIGNATURE_INVALID", "the event is not signed by the payment provider, or too old");
  }
}

function refuseMalformed(error: unknown): never {
  if (!(error instanceof MalformedAnswer)) throw error;
  throw invalidArgument([
    { field: "payload", description: "is not an event of the payment provider", reason: "payment.event" },
  ]);
}

function isUuid(value: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}
