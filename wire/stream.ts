/** One HTTP/2 stream as its connection sees it: windows, what is still to send, and who reads it. Role-neutral. */
import type { LocalEnd } from "./call-failure.ts";
import { ReceiveWindow, SendWindow } from "./flow-control.ts";
import type { ConnectionError } from "./wire-error.ts";

/**
 * Who reads a stream. `headers` and `data` come in the peer's order; after endStream, `reset`, `failed`
 * or `abandoned` nothing comes any more. A sink must not keep the bytes it is shown.
 */
export interface StreamSink<Head> {
  headers(head: Head, endStream: boolean, wireBytes: number): void;
  /** Answers how many bytes of [start, end) it holds on to; it owes them to `Session.release` later. */
  data(bytes: Buffer, start: number, end: number, endStream: boolean, wireBytes: number): number;
  /** The peer ended the stream early, or broke the protocol on it and was reset by us (`ours`). */
  reset(code: number, ours: boolean): void;
  /** The connection ended under the stream. */
  failed(error: ConnectionError): void;
  /** Our own side gave the stream up. */
  abandoned(why: LocalEnd): void;
}

/** A body on its way out, cut into DATA frames as windows allow. */
export interface Outgoing {
  readonly bytes: Buffer;
  offset: number;
  endStream: boolean;
  /** Called once: true when the last byte was handed to the writer, false when the stream ended before. */
  readonly onSent: ((sent: boolean) => void) | undefined;
}

export class Stream<Head> {
  readonly id: number;
  readonly sink: StreamSink<Head>;
  readonly sendWindow: SendWindow;
  readonly receiveWindow: ReceiveWindow;
  outgoing: Outgoing | undefined = undefined;
  /** We sent END_STREAM. */
  localEnded = false;
  /** The peer sent END_STREAM. */
  remoteEnded = false;

  constructor(id: number, sink: StreamSink<Head>, sendWindowBytes: number, receiveWindowBytes: number) {
    this.id = id;
    this.sink = sink;
    this.sendWindow = new SendWindow(sendWindowBytes);
    this.receiveWindow = new ReceiveWindow(receiveWindowBytes);
  }
}
