// How many hedges there may be beside the calls that ask for them. grpc-js throttles retries by service config, but not hedges: in an
// outage every call would be made as often as its policy allows.
export class HedgeBudget {
  readonly #ratio: number;
  readonly #burst: number;
  #tokens: number;

  /** `ratio` hedges a call in the long run, and up to `burst` at once. */
  constructor(ratio: number, burst: number) {
    this.#ratio = ratio;
    this.#burst = burst;
    this.#tokens = burst;
  }

  callStarted(): void {
    this.#tokens = Math.min(this.#tokens + this.#ratio, this.#burst);
  }

  /** Whether one more hedge may be sent; takes it from the budget. */
  take(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
