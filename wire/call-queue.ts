/**
 * Calls that wait for a free stream, first come first served, bounded. A waiting call is known by a ticket
 * below zero, which keeps naming it once it has a stream.
 */
import type { LocalEnd } from "./call-failure.ts";

/** Identifies a call to `cancel`: its stream id, or below zero for a call that had to wait for one. */
export type CallId = number;

export interface WaitingCall {
  /** Begins the call; answers its stream id. */
  readonly start: () => number;
  readonly abandoned: (why: LocalEnd) => void;
}

export class CallQueue {
  readonly #limit: number;
  readonly #waiting = new Map<CallId, WaitingCall>();
  readonly #streamOfTicket = new Map<CallId, number>();
  readonly #ticketOfStream = new Map<number, CallId>();
  #nextTicket = -1;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Takes the call in; one that can never be started (`refusal`), or is one too many, ends right after. */
  add(call: WaitingCall, refusal: LocalEnd | undefined): CallId {
    const why = refusal ?? (this.#waiting.size >= this.#limit ? "queue-full" : undefined);
    const ticket = this.#nextTicket--;
    if (why === undefined) this.#waiting.set(ticket, call);
    else queueMicrotask(() => call.abandoned(why));
    return ticket;
  }

  startNext(): void {
    for (const [ticket, call] of this.#waiting) {
      this.#waiting.delete(ticket);
      const streamId = call.start();
      this.#streamOfTicket.set(ticket, streamId);
      this.#ticketOfStream.set(streamId, ticket);
      return;
    }
  }

  streamId(id: CallId): number {
    return this.#streamOfTicket.get(id) ?? id;
  }

  /** The stream is gone, and its ticket names nothing any more. */
  forget(streamId: number): void {
    const ticket = this.#ticketOfStream.get(streamId);
    if (ticket === undefined) return;
    this.#ticketOfStream.delete(streamId);
    this.#streamOfTicket.delete(ticket);
  }

  /** Ends one waiting call. False when it is not waiting. */
  abandon(id: CallId, why: LocalEnd): boolean {
    const call = this.#waiting.get(id);
    if (call === undefined) return false;
    this.#waiting.delete(id);
    call.abandoned(why);
    return true;
  }

  abandonAll(why: LocalEnd): void {
    for (const id of [...this.#waiting.keys()]) this.abandon(id, why);
  }
}
