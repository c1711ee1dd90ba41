// How long calls wait before anyone sees them. In Node they wait in sockets while the process computes, and arrive together when it turns to
// them: a call that comes late in a turn of the event loop has waited for about as long as the turn has lasted. As with CoDel, one long
// turn is no overload; when there was no short one for INTERVAL_MS, calls beyond the target are refused, which ends the turn.
import type { Clock } from "#impl/runtime/clock.ts";

export const INTERVAL_MS = 100;

export interface TurnBudgetOptions {
  readonly clock: Pick<Clock, "monotonic">;
  /** What a turn may take under overload. */
  readonly targetMs: number;
  /** Runs `action` at the end of the turn. Default setImmediate. */
  readonly atEndOfTurn?: (action: () => void) => unknown;
}

export class TurnBudget {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #targetMs: number;
  readonly #atEndOfTurn: (action: () => void) => unknown;
  #inTurn = false;
  #startedAt = 0;
  #endedAt = 0;
  #shortAt = 0;
  readonly #end = (): void => {
    this.#inTurn = false;
    this.#endedAt = this.#clock.monotonic();
    if (this.#endedAt - this.#startedAt <= this.#targetMs) this.#shortAt = this.#endedAt;
  };

  constructor({ clock, targetMs, atEndOfTurn = setImmediate }: TurnBudgetOptions) {
    this.#clock = clock;
    this.#targetMs = targetMs;
    this.#atEndOfTurn = atEndOfTurn;
  }

  /** To be asked for every call: true when it shall be refused. */
  isSpent(): boolean {
    const now = this.#clock.monotonic();
    if (!this.#inTurn) {
      this.#inTurn = true;
      this.#startedAt = now;
      // Nothing was waiting meanwhile.
      if (now - this.#endedAt > this.#targetMs) this.#shortAt = now;
      this.#atEndOfTurn(this.#end);
      return false;
    }
    const lasted = now - this.#startedAt;
    return lasted > this.#targetMs && now - this.#shortAt > INTERVAL_MS;
  }
}
