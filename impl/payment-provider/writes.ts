// One write, once: the first request with a key decides, and every repeat of it gets the first answer. Between the two stands what the
// behaviour lets a request suffer.
import { type CancelTimer, type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Behavior } from "./behavior.ts";
import type { Faults } from "./faults.ts";
import type { Answer, Entry, Ledger } from "./ledger.ts";
import type { OperationKind } from "./operation.ts";
import { failed, type Reply, refused } from "./reply.ts";
import type { CardBehavior } from "./test-cards.ts";

export interface WriteRequest {
  readonly key: string;
  readonly fingerprint: string;
  /** Undefined for what suffers nothing. */
  readonly operation?: { readonly kind: OperationKind; readonly card: CardBehavior };
  /** Decides now. A Reply is a refusal that is not remembered. */
  readonly decide: () => Entry | Reply;
}

export interface Writes {
  /** "lost" when no answer is to be given. */
  write(request: WriteRequest): Promise<Reply | "lost">;
  /** What was going to be done late is not done at all. */
  stop(): void;
}

export interface WritesOptions {
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly behavior: () => Behavior;
  readonly clock: Clock;
  /** Makes the entry last, and then changes the ledger. */
  readonly record: (entry: Entry) => void;
  /** Told of what could not be recorded late: it was not done. */
  readonly onError: (error: unknown) => void;
}

export function createWrites({ ledger, faults, behavior, clock, record, onError }: WritesOptions): Writes {
  const underWay = new Set<string>();
  const late = new Set<CancelTimer>();

  const firstAnswer = ({ key, fingerprint }: WriteRequest): Reply | undefined => {
    const known = ledger.answers.get(key);
    if (known === undefined) return undefined;
    if (known.fingerprint === fingerprint) return replyOf(known);
    return refused(409, "idempotency_key_reused", "the key was used with another request");
  };

  /** The answer, after the request was done. */
  const perform = (request: WriteRequest): Reply => {
    const decided = request.decide();
    if ("status" in decided) return decided;
    record(decided);
    return firstAnswer(request) ?? failed();
  };

  const suffer = (request: WriteRequest): Reply | "lost" => {
    const { operation, key } = request;
    const effect = operation === undefined ? undefined : faults.effectOn(operation.kind, key, operation.card);
    switch (effect) {
      case undefined:
        return perform(request);
      case "answer_lost":
        perform(request);
        return "lost";
      case "request_lost":
        return "lost";
      case "error_before":
        return failed();
      case "error_after":
        perform(request);
        return failed();
      case "done_late":
        performLate(request);
        return "lost";
    }
  };

  const performLate = (request: WriteRequest): void => {
    underWay.add(request.key);
    const cancel = clock.after(behavior().lateMs, () => {
      late.delete(cancel);
      underWay.delete(request.key);
      try {
        perform(request);
      } catch (error) {
        onError(error);
      }
    });
    late.add(cancel);
  };

  return {
    async write(request) {
      const inUse = refused(409, "idempotency_key_in_use", "a request with the key is under way");
      if (underWay.has(request.key)) return inUse;
      underWay.add(request.key);
      try {
        const latencyMs = faults.latencyMs();
        if (latencyMs > 0) await sleep(clock, latencyMs);
      } finally {
        underWay.delete(request.key);
      }
      return firstAnswer(request) ?? suffer(request);
    },
    stop() {
      for (const cancel of late) cancel();
    },
  };
}

const DECLINED = 402;
const UNPROCESSABLE = 422;

/** A decline and a failure are errors that carry the operation. */
function replyOf({ operation, token }: Answer): Reply {
  if (operation === undefined)
    return { status: 200, body: { token: token?.token, card: token?.card, expires_at: token?.expires_at } };
  switch (operation.status) {
    case "succeeded":
      return { status: 200, body: { operation } };
    case "declined":
      return { status: DECLINED, body: { error: { code: "card_declined" }, operation } };
    case "failed":
      return { status: UNPROCESSABLE, body: { error: { code: operation.failure_code }, operation } };
  }
}
