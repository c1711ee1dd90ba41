// How much one stream of ChatWithSupport, and who is in its rooms, may ask for.
export interface ChatLimits {
  /** Rooms that one stream can be in. Default 50. */
  readonly maxRooms: number;
  /** What one stream may do in a second, of any kind, in the long run. Default 20 ... */
  readonly actionsPerSecond: number;
  /** ... and how much of it at once. Default 100, enough to join all rooms again and send what was not acknowledged. */
  readonly actionsAtOnce: number;
  /** Messages that may wait for one reader, and as many answers to what it asked for. Default 256 ... */
  readonly queueMessages: number;
  /** ... or so many bytes of each. Default 1 MiB. */
  readonly queueBytes: number;
  /** How long a reader may leave a full queue alone. Default 10 s. */
  readonly slowReaderMs: number;
  /** How long nothing may happen before a heartbeat. Default 15 s. */
  readonly heartbeatMs: number;
  /** When typing is forgotten that was not told again. Default 10 s. */
  readonly typingMs: number;
  /** How long those are still there whose process died. Default 15 s. */
  readonly presenceLeaseMs: number;
}

const defaultLimits: ChatLimits = {
  maxRooms: 50,
  actionsPerSecond: 20,
  actionsAtOnce: 100,
  queueMessages: 256,
  queueBytes: 1024 * 1024,
  slowReaderMs: 10_000,
  heartbeatMs: 15_000,
  typingMs: 10_000,
  presenceLeaseMs: 15_000,
};

/** Throws a RangeError for a limit that is none. */
export function chatLimits(given: Partial<ChatLimits> = {}): ChatLimits {
  const limits = { ...defaultLimits, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`chat ${name} ${value}: must be an integer of at least 1`);
    }
  }
  return Object.freeze(limits);
}
