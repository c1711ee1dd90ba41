// An event: what happened to the state of a service, written in the transaction that changed it, and kept in the order of its effects.

/** An event that is about to be written. */
export interface NewEvent {
  /** What happened, such as "stock.changed". */
  readonly type: string;
  /** What it is about, such as "product/<id>": subscribers choose by these. At least one, the changed thing itself first. */
  readonly keys: readonly string[];
  /** The event as the service's own protobuf message, the state after the change in it, so that a reader needs no query. */
  readonly payload: Uint8Array;
}

/** An event that was written. */
export interface Event extends NewEvent {
  /**
   * Its place in the log of its service: 1, 2, 3 ... without a gap, the same for every reader and for ever. Of two changes of one
   * row, and of two changes of which the second began after the first was committed, the first has the lower position.
   */
  readonly position: bigint;
  /** When it was written, milliseconds since the epoch. */
  readonly time: number;
}
