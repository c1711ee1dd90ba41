/**
 * Flow-control windows (RFC 9113, 5.2), one object for each direction of a stream or connection.
 * A SendWindow is what the peer granted us; a ReceiveWindow what we granted the peer, and enforces it.
 */
import { LARGEST_WINDOW_BYTES } from "./frames.ts";

export class SendWindow {
  /** Bytes that may be sent now. Negative after the peer shrank the initial window under data in flight. */
  available: number;

  constructor(bytes: number) {
    this.available = bytes;
  }

  /** Grants (or, from a changed initial window, takes back) bytes. False on overflow: FLOW_CONTROL_ERROR. */
  grow(bytes: number): boolean {
    this.available += bytes;
    return this.available <= LARGEST_WINDOW_BYTES;
  }
}

export class ReceiveWindow {
  readonly #size: number;
  #granted: number;
  /** Taken in and done with, but not yet granted anew. */
  #released = 0;

  constructor(bytes: number) {
    this.#size = bytes;
    this.#granted = bytes;
  }

  /** Counts bytes that arrived. False when the peer had no right to send them. */
  take(bytes: number): boolean {
    this.#granted -= bytes;
    return this.#granted >= 0;
  }

  /**
   * Bytes that need no more room here. Answers the WINDOW_UPDATE increment due now, or 0: increments are
   * batched until half the window is spent, so that a small message causes no frame.
   */
  release(bytes: number): number {
    this.#released += bytes;
    if (this.#released * 2 < this.#size) return 0;
    const increment = this.#released;
    this.#granted += increment;
    this.#released = 0;
    return increment;
  }
}
