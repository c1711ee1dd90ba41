// The rules of the provider: what becomes of a request, given the ledger. Pure; what it decides is an operation that has not happened yet.
import type { Authorization, Ledger } from "./ledger.ts";
import type { Operation, Token } from "./operation.ts";
import { behaviorNamed } from "./test-cards.ts";

export type OperationRequest =
  | {
      readonly kind: "authorize";
      readonly token: string;
      readonly amount: bigint;
      readonly currency: string;
      readonly orderReference: string;
    }
  | {
      readonly kind: "capture";
      readonly authorization: Authorization;
      readonly amount: bigint;
      readonly final: boolean;
    }
  | { readonly kind: "void"; readonly authorization: Authorization }
  | { readonly kind: "refund"; readonly authorization: Authorization; readonly amount: bigint };

export interface Decision {
  readonly amount: bigint;
  readonly declineCode?: string;
  readonly failureCode?: string;
  readonly token?: Token;
  readonly expiresAt?: number;
}

export interface Terms {
  readonly now: number;
  readonly authorizationLifetimeMs: number;
}

export function decide(ledger: Ledger, request: OperationRequest, terms: Terms): Decision {
  switch (request.kind) {
    case "authorize":
      return decideAuthorization(ledger, request, terms);
    case "capture": {
      const { authorization, amount } = request;
      const refusal = whyNotHeld(authorization, terms.now);
      if (refusal !== undefined) return { amount, failureCode: refusal };
      if (amount > authorization.amount - authorization.captured) {
        return { amount, failureCode: "amount_too_large" };
      }
      const { captureDecline } = behaviorNamed(authorization.behavior);
      return captureDecline === undefined ? { amount } : { amount, declineCode: captureDecline };
    }
    case "void": {
      const { authorization } = request;
      const amount = authorization.amount - authorization.captured;
      const refusal = whyNotHeld(authorization, terms.now);
      return refusal === undefined ? { amount } : { amount, failureCode: refusal };
    }
    case "refund": {
      const { authorization, amount } = request;
      if (amount > authorization.captured - authorization.refunded) {
        return { amount, failureCode: "amount_too_large" };
      }
      const { refundFailure } = behaviorNamed(authorization.behavior);
      return refundFailure === undefined ? { amount } : { amount, failureCode: refundFailure };
    }
  }
}

function decideAuthorization(
  ledger: Ledger,
  request: Extract<OperationRequest, { kind: "authorize" }>,
  { now, authorizationLifetimeMs }: Terms,
): Decision {
  const { amount, orderReference } = request;
  const token = ledger.tokens.get(request.token);
  if (token === undefined) return { amount, failureCode: "token_unknown" };
  if (now >= token.expires_at) return { amount, failureCode: "token_expired" };
  const usedFor = ledger.orderOfToken.get(token.token);
  if (usedFor !== undefined && usedFor !== orderReference) return { amount, failureCode: "token_used" };
  const card = behaviorNamed(token.behavior);
  if (card.decline !== undefined) return { amount, token, declineCode: card.decline };
  if (card.failure !== undefined) return { amount, token, failureCode: card.failure };
  return { amount, token, expiresAt: now + (card.authorizationLifetimeMs ?? authorizationLifetimeMs) };
}

function whyNotHeld({ status, expiresAt }: Authorization, now: number): string | undefined {
  switch (status) {
    case "held":
      return now >= expiresAt ? "authorization_expired" : undefined;
    case "captured":
      return "authorization_captured";
    case "voided":
      return "authorization_voided";
    case "expired":
      return "authorization_expired";
  }
}

/** The operation that the decision makes of the request. */
export function operationOf(
  request: OperationRequest,
  decision: Decision,
  as: { readonly id: string; readonly key: string; readonly merchantReference: string; readonly now: number },
): Operation {
  const { declineCode, failureCode, token, expiresAt } = decision;
  const of = request.kind === "authorize" ? request : request.authorization;
  return {
    id: as.id,
    kind: request.kind,
    status: declineCode !== undefined ? "declined" : failureCode !== undefined ? "failed" : "succeeded",
    amount: decision.amount.toString(),
    currency: of.currency,
    authorization: request.kind === "authorize" ? as.id : request.authorization.id,
    idempotency_key: as.key,
    merchant_reference: as.merchantReference,
    order_reference: of.orderReference,
    created_at: as.now,
    ...(request.kind === "capture" ? { final: request.final } : {}),
    ...(declineCode === undefined ? {} : { decline_code: declineCode }),
    ...(failureCode === undefined ? {} : { failure_code: failureCode }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    ...(token === undefined ? {} : { card: token.card }),
  };
}
