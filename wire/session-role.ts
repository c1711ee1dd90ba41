/** What a session asks of the side it plays, client or server, and the limits it keeps for it. */
import type { Goaway } from "./control-frames.ts";
import type { HeaderField } from "./hpack/static-table.ts";
import type { ConnectionError } from "./wire-error.ts";

export interface SessionLimits {
  /** Bytes the peer may send on a stream before we make room. */
  readonly initialWindowBytes: number;
  /** The same for the whole connection. */
  readonly connectionWindowBytes: number;
  /** Largest frame payload accepted. */
  readonly maxFrameBytes: number;
  /** Largest header block accepted, as sent. */
  readonly maxHeaderBlockBytes: number;
  /** Largest header list accepted, decoded, with 32 bytes a field. */
  readonly maxHeaderListBytes: number;
}

export interface SessionRole<Head> {
  /** Must be pure: its result is shared between equal blocks. */
  readonly interpret: (fields: readonly HeaderField[]) => Head;
  /** A header block for a stream that is not open; throws ConnectionError where none may come. */
  headers(streamId: number, head: Head, endStream: boolean): void;
  /** True for a stream no side has begun: any frame but HEADERS and PRIORITY on it is a violation. */
  isIdle(streamId: number): boolean;
  /** The peer's settings were read and acknowledged. */
  settingsChanged(): void;
  goaway(goaway: Goaway): void;
  /** The stream is out of the table; its sink may still be about to hear its end. */
  streamRemoved(streamId: number): void;
  /** For our GOAWAY: the last stream of the peer's that was acted on; 0 for a client. */
  lastPeerStreamId(): number;
  /** Once. `undefined`: closed by our own wish. */
  ended(error: ConnectionError | undefined): void;
}
