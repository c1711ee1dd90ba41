// What the provider knows: tokens, operations by their keys, and how much of each authorization is held, taken and given back. Changed by
// entries alone, so that reading a journal again gives the same ledger. Invariant: refunded <= captured <= amount.
import type { Operation, Token } from "./operation.ts";

/** `key` is the idempotency key; the fingerprint tells a repeat from another request with the same key. */
export type Entry =
  | { readonly type: "token"; readonly key: string; readonly fingerprint: string; readonly token: Token }
  | {
      readonly type: "operation";
      readonly key: string;
      readonly fingerprint: string;
      readonly operation: Operation;
      /** Of an authorization: what it was paid with. */
      readonly token?: string;
    }
  | { readonly type: "expired"; readonly authorization: string; readonly at: number }
  | { readonly type: "delivered"; readonly event: string };

export interface Answer {
  readonly fingerprint: string;
  readonly token?: Token;
  readonly operation?: Operation;
}

export interface Authorization {
  readonly id: string;
  readonly orderReference: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly expiresAt: number;
  /** Name in the table of test cards. */
  readonly behavior: string;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly status: "held" | "captured" | "voided" | "expired";
}

export class Ledger {
  readonly tokens = new Map<string, Token>();
  /** In the order in which they were done. */
  readonly operations = new Map<string, Operation>();
  readonly answers = new Map<string, Answer>();
  readonly authorizations = new Map<string, Authorization>();
  /** A token pays for one order: the first that it is used for. */
  readonly orderOfToken = new Map<string, string>();
  readonly deliveredEvents = new Set<string>();

  apply(entry: Entry): void {
    switch (entry.type) {
      case "token":
        this.tokens.set(entry.token.token, entry.token);
        this.answers.set(entry.key, { fingerprint: entry.fingerprint, token: entry.token });
        return;
      case "operation":
        this.operations.set(entry.operation.id, entry.operation);
        this.answers.set(entry.key, { fingerprint: entry.fingerprint, operation: entry.operation });
        if (entry.token !== undefined && !this.orderOfToken.has(entry.token)) {
          this.orderOfToken.set(entry.token, entry.operation.order_reference);
        }
        if (entry.operation.status === "succeeded") this.#move(entry.operation, entry.token);
        return;
      case "expired":
        this.#change(entry.authorization, () => ({ status: "expired" }));
        return;
      case "delivered":
        this.deliveredEvents.add(entry.event);
    }
  }

  #move(operation: Operation, token: string | undefined): void {
    const amount = BigInt(operation.amount);
    switch (operation.kind) {
      case "authorize":
        this.authorizations.set(operation.id, {
          id: operation.id,
          orderReference: operation.order_reference,
          amount,
          currency: operation.currency,
          expiresAt: operation.expires_at ?? 0,
          behavior: this.tokens.get(token ?? "")?.behavior ?? "",
          captured: 0n,
          refunded: 0n,
          status: "held",
        });
        return;
      case "capture":
        this.#change(operation.authorization, (held) => {
          const captured = held.captured + amount;
          const isLast = operation.final === true || captured === held.amount;
          return { captured, status: isLast ? "captured" : "held" };
        });
        return;
      case "void":
        this.#change(operation.authorization, () => ({ status: "voided" }));
        return;
      case "refund":
        this.#change(operation.authorization, ({ refunded }) => ({ refunded: refunded + amount }));
    }
  }

  #change(id: string, change: (authorization: Authorization) => Partial<Authorization>): void {
    const authorization = this.authorizations.get(id);
    if (authorization === undefined) throw new Error(`the ledger has no authorization ${id}`);
    this.authorizations.set(id, { ...authorization, ...change(authorization) });
  }
}
