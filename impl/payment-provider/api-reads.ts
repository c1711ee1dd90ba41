// What can be asked of the provider: one authorization, and all that it has done, by key or a page at a time, for whoever compares books.
import type { Authorization, Ledger } from "./ledger.ts";
import type { Operation } from "./operation.ts";
import { BadRequest, notFound, type Reply } from "./reply.ts";

const MAX_PAGE = 1_000;

export function getAuthorization(ledger: Ledger, id: string): Reply {
  const authorization = ledger.authorizations.get(id);
  return authorization === undefined ? notFound() : { status: 200, body: authorizationBody(authorization) };
}

function authorizationBody(authorization: Authorization) {
  return {
    id: authorization.id,
    order_reference: authorization.orderReference,
    status: authorization.status,
    amount: authorization.amount.toString(),
    captured: authorization.captured.toString(),
    refunded: authorization.refunded.toString(),
    currency: authorization.currency,
    expires_at: authorization.expiresAt,
  };
}

/** In the order in which they were done. `after` is the id of the last one that was seen. */
export function listOperations(ledger: Ledger, query: URLSearchParams): Reply {
  const key = query.get("idempotency_key");
  if (key !== null) {
    const operation = ledger.answers.get(key)?.operation;
    return page(operation === undefined ? [] : [operation], false);
  }
  const limit = Number(query.get("limit") ?? MAX_PAGE);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw new BadRequest("limit", `must be an integer from 1 to ${MAX_PAGE}`);
  }
  const reference = query.get("merchant_reference");
  const after = query.get("after");
  const all = [...ledger.operations.values()];
  const start = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1;
  if (after !== null && start === 0) throw new BadRequest("after", "must be the id of an operation");
  const found = all
    .slice(start)
    .filter(({ merchant_reference }) => reference === null || merchant_reference === reference);
  return page(found.slice(0, limit), found.length > limit);
}

function page(operations: readonly Operation[], hasMore: boolean): Reply {
  return { status: 200, body: { operations, has_more: hasMore } };
}
