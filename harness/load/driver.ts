// What the engines need of a client: send a prepared request, say how it ended, count bytes. The engines know no protocol.

/** The call ended without a status from the server: connection lost, reset, given up. It may or may not have happened. */
export const noStatus = -1;

export interface Driver<Request> {
  /** Starts a call. `onDone` runs exactly once, never before this returns, with a gRPC status of 0 to 16 or `noStatus`. */
  send(request: Request, onDone: (status: number) => void): void;
  /** Bytes on the wire since the driver was made, whatever they were for. */
  wireBytes(): WireBytes;
}

export interface WireBytes {
  readonly sent: number;
  readonly received: number;
}

/** One of the systems compared: where its calls go, and which ones. */
export interface Arm<Request> {
  readonly name: string;
  readonly driver: Driver<Request>;
  /** The request of the run's `index`th call, from 0. Called just before it is sent, so it should only look one up. */
  readonly request: (index: number) => Request;
}
