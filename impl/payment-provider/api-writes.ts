// The writes of the API: POST with an Idempotency-Key. From the members of a body to a decision of the provider.

import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import type { OperationRequest } from "./decide.ts";
import type { Authorization, Entry } from "./ledger.ts";
import type { Provider } from "./provider.ts";
import { BadRequest, notFound, type Reply, refused } from "./reply.ts";
import { amount, currency, flag, integer, type Members, membersOf, text } from "./request-body.ts";
import { behaviorNamed } from "./test-cards.ts";
import { type CardData, refusalOf, tokenOf } from "./tokenization.ts";

export interface Post {
  readonly members: Members;
  readonly key: string;
  readonly fingerprint: string;
}

export type WriteHandler = (post: Post, authorization: string) => Promise<Reply | "lost">;

export interface WriteHandlers {
  readonly tokenize: WriteHandler;
  readonly authorize: WriteHandler;
  readonly capture: WriteHandler;
  readonly void: WriteHandler;
  readonly refund: WriteHandler;
}

export function createWriteHandlers(provider: Provider, clock: Clock, newId: NewId): WriteHandlers {
  const { writes, ledger } = provider;
  const operate = (post: Post, request: OperationRequest, behavior: string): Promise<Reply | "lost"> => {
    const { key, fingerprint, members } = post;
    const merchantReference = text(members, "merchant_reference");
    return writes.write({
      key,
      fingerprint,
      operation: { kind: request.kind, card: behaviorNamed(behavior) },
      decide: () => provider.operationEntry(request, { key, fingerprint, merchantReference }),
    });
  };
  /** The authorization is looked at again when it is decided: it may have changed while the request waited. */
  const operateOn =
    (requestOf: (members: Members, authorization: Authorization) => OperationRequest): WriteHandler =>
    async (post, id) => {
      const { key, fingerprint, members } = post;
      const merchantReference = text(members, "merchant_reference");
      const known = ledger.authorizations.get(id);
      if (known === undefined) return notFound();
      const { kind } = requestOf(members, known);
      return writes.write({
        key,
        fingerprint,
        operation: { kind, card: behaviorNamed(known.behavior) },
        decide() {
          const request = requestOf(members, ledger.authorizations.get(id) ?? known);
          return provider.operationEntry(request, { key, fingerprint, merchantReference });
        },
      });
    };
  return {
    async tokenize({ members, key, fingerprint }) {
      const card = cardOf(membersOf(members, "card"));
      const decide = (): Entry | Reply => {
        const now = clock.now();
        const refusal = refusalOf(card, new Date(now));
        if (refusal !== undefined) return declinedCard(refusal);
        const token = tokenOf(card, `tok_${newId()}`, now + provider.behavior().tokenLifetimeMs);
        return { type: "token", key, fingerprint, token };
      };
      return writes.write({ key, fingerprint, decide });
    },
    async authorize(post) {
      const { members } = post;
      const request: OperationRequest = {
        kind: "authorize",
        token: text(members, "token"),
        amount: amount(members, "amount"),
        currency: currency(members),
        orderReference: text(members, "order_reference"),
      };
      return operate(post, request, ledger.tokens.get(request.token)?.behavior ?? "");
    },
    capture: operateOn((members, authorization) => ({
      kind: "capture",
      authorization,
      amount: amount(members, "amount"),
      final: flag(members, "final"),
    })),
    void: operateOn((_, authorization) => ({ kind: "void", authorization })),
    refund: operateOn((members, authorization) => ({
      kind: "refund",
      authorization,
      amount: amount(members, "amount"),
    })),
  };
}

function cardOf(members: Members): CardData {
  return {
    number: text(members, "number"),
    expMonth: integer(members, "exp_month"),
    expYear: integer(members, "exp_year"),
    cvc: text(members, "cvc"),
    name: text(members, "name"),
  };
}

/** Not remembered under its key: it would be refused again. */
function declinedCard(code: string): Reply {
  const { body } = refused(402, "card_declined", "the card was declined");
  return { status: 402, body: { ...body, decline_code: code } };
}

/** What a write needs beside its body. */
export function idempotencyKey(value: string | readonly string[] | undefined): string {
  if (typeof value === "string" && /^[\x21-\x7e]{1,128}$/.test(value)) return value;
  throw new BadRequest("the header idempotency-key", "must be 1 to 128 visible ASCII characters");
}
