// The provider without its HTTP: takes requests as members of JSON, keeps the ledger in a journal, lets authorizations expire, and posts
// what happened. What is recorded once is never taken back.
import type { CancelTimer, Clock } from "#impl/runtime/clock.ts";
import { MAX_TIMER_MS } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { type Behavior, changeBehavior } from "./behavior.ts";
import { decide, type OperationRequest, operationOf } from "./decide.ts";
import { createFaults, type Faults } from "./faults.ts";
import { openJournal } from "./journal.ts";
import { type Authorization, type Entry, Ledger } from "./ledger.ts";
import type { Operation } from "./operation.ts";
import { createWebhooks, type ProviderEvent } from "./webhooks.ts";
import { createWrites, type Writes } from "./writes.ts";

export interface ProviderOptions {
  readonly journalPath: string;
  /** Signs webhooks: "whsec_" and base64. */
  readonly webhookSecret: string;
  readonly behavior: Behavior;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Told of what could not be recorded behind the back of any request. */
  readonly onError: (error: unknown) => void;
}

export interface Provider {
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly writes: Writes;
  behavior(): Behavior;
  /** Throws InvalidBehavior. */
  change(patch: unknown): void;
  /** The entry of an operation that is decided now. */
  operationEntry(request: OperationRequest, keyed: Keyed): Entry;
  stop(): void;
}

export interface Keyed {
  readonly key: string;
  readonly fingerprint: string;
  readonly merchantReference: string;
}

/** Until an expiry that could not be recorded is tried again. */
const EXPIRE_AGAIN_MS = 1_000;

export function createProvider(options: ProviderOptions): Provider {
  const { clock, newId, onError } = options;
  let { behavior } = options;
  const ledger = new Ledger();
  const journal = openJournal<Entry>(options.journalPath);
  for (const entry of journal.entries) ledger.apply(entry);
  const faults = createFaults(behavior);
  const record = (entry: Entry): void => {
    journal.append(entry);
    ledger.apply(entry);
    if (entry.type === "operation") happened(entry.operation);
  };
  /** False when it could not be recorded. */
  const attempt = (entry: Entry): boolean => {
    try {
      record(entry);
      return true;
    } catch (error) {
      onError(error);
      return false;
    }
  };
  const webhooks = createWebhooks({
    secret: options.webhookSecret,
    behavior: () => behavior,
    faults,
    clock,
    // One that is not recorded is posted again after the next start.
    onDelivered: ({ id }) => void attempt({ type: "delivered", event: id }),
  });
  const expiries = new Map<string, CancelTimer>();
  const expireInTime = ({ id, expiresAt }: Authorization): void => {
    const waitMs = Math.min(Math.max(0, expiresAt - clock.now()), MAX_TIMER_MS);
    expiries.set(
      id,
      clock.after(waitMs, () => expire(id)),
    );
  };
  const expire = (id: string): void => {
    const authorization = ledger.authorizations.get(id);
    if (authorization?.status !== "held") return;
    if (clock.now() < authorization.expiresAt) {
      expireInTime(authorization);
      return;
    }
    if (!attempt({ type: "expired", authorization: id, at: clock.now() })) {
      expiries.set(
        id,
        clock.after(EXPIRE_AGAIN_MS, () => expire(id)),
      );
      return;
    }
    expiries.delete(id);
    webhooks.post(expiredEvent(id, clock.now()));
  };
  const happened = (operation: Operation): void => {
    const authorization = ledger.authorizations.get(operation.authorization);
    if (authorization?.status !== "held") {
      expiries.get(operation.authorization)?.();
      expiries.delete(operation.authorization);
    } else if (operation.kind === "authorize") expireInTime(authorization);
    webhooks.post(operationEvent(operation));
  };
  for (const authorization of ledger.authorizations.values()) {
    if (authorization.status === "held") expireInTime(authorization);
  }
  for (const operation of ledger.operations.values()) {
    const event = operationEvent(operation);
    if (!ledger.deliveredEvents.has(event.id)) webhooks.post(event);
  }
  const writes = createWrites({ ledger, faults, behavior: () => behavior, clock, record, onError });
  return {
    ledger,
    faults,
    writes,
    behavior: () => behavior,
    change(patch) {
      behavior = changeBehavior(behavior, patch);
      faults.configure(behavior);
    },
    operationEntry(request, { key, fingerprint, merchantReference }) {
      const now = clock.now();
      const { authorizationLifetimeMs } = behavior;
      const decision = decide(ledger, request, { now, authorizationLifetimeMs });
      const id = `${request.kind}_${newId()}`;
      const operation = operationOf(request, decision, { id, key, merchantReference, now });
      const token = request.kind === "authorize" ? { token: request.token } : {};
      return { type: "operation", key, fingerprint, operation, ...token };
    },
    stop() {
      webhooks.stop();
      writes.stop();
      for (const cancel of expiries.values()) cancel();
      journal.close();
    },
  };
}

function operationEvent(operation: Operation): ProviderEvent {
  const { id, status, created_at } = operation;
  return { id: `evt_${id}`, created_at, type: `operation.${status}`, data: { operation } };
}

function expiredEvent(authorization: string, at: number): ProviderEvent {
  return {
    id: `evt_expired_${authorization}`,
    created_at: at,
    type: "authorization.expired",
    data: { authorization },
  };
}
