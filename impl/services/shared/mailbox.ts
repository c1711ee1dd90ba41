// Where many writers meet one reader. A message lies here until it is taken, and its writer waits for that: so each writer has at most
// one message here, and a reader that does not read stops them all. First in, first out.
import type { Clock } from "#impl/runtime/clock.ts";

export interface Mailbox<M> {
  /** Resolves when the message was taken. Rejects when `signal` aborts, which takes it back, or when the mailbox is closed. */
  put(message: M, signal?: AbortSignal): Promise<void>;
  /** The next message; "silence" when none came for so long, "end" when there will be none. One at a time. */
  take(timeoutMs: number): Promise<{ readonly message: M } | "silence" | "end">;
  /** No more messages come; those that lie here can be taken. */
  end(): void;
  /** Whoever waits, or comes later, gets the reason. */
  close(reason: unknown): void;
}

interface Letter<M> {
  readonly message: M;
  readonly taken: () => void;
  readonly refused: (reason: unknown) => void;
}

export function createMailbox<M>(clock: Clock): Mailbox<M> {
  const letters = new Set<Letter<M>>();
  let ended = false;
  let closed: { readonly reason: unknown } | undefined;
  let wake = (): void => {};

  const something = (timeoutMs: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(timeoutMs, resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });

  return {
    async put(message, signal) {
      signal?.throwIfAborted();
      if (closed !== undefined) throw closed.reason;
      const { promise, resolve: taken, reject: refused } = Promise.withResolvers<void>();
      const letter = { message, taken, refused };
      letters.add(letter);
      wake();
      const takeBack = (): void => {
        if (letters.delete(letter)) refused(signal?.reason);
      };
      signal?.addEventListener("abort", takeBack, { once: true });
      try {
        await promise;
      } finally {
        signal?.removeEventListener("abort", takeBack);
      }
    },
    async take(timeoutMs) {
      const until = clock.monotonic() + timeoutMs;
      for (;;) {
        if (closed !== undefined) throw closed.reason;
        const [letter] = letters;
        if (letter !== undefined) {
          letters.delete(letter);
          letter.taken();
          return { message: letter.message };
        }
        if (ended) return "end";
        const leftMs = until - clock.monotonic();
        if (leftMs <= 0) return "silence";
        await something(leftMs);
      }
    },
    end() {
      ended = true;
      wake();
    },
    close(reason) {
      closed ??= { reason };
      for (const { refused } of letters) refused(closed.reason);
      letters.clear();
      wake();
    },
  };
}
