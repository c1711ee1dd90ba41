/** The bounds a client connection keeps, their defaults, and the ranges they are checked against. */
import {
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  LARGEST_MAX_FRAME_BYTES,
  LARGEST_STREAM_ID,
  LARGEST_WINDOW_BYTES,
} from "./frames.ts";
import type { SessionLimits } from "./session-role.ts";

export interface ClientLimits extends SessionLimits {
  /** Largest message received; a larger one ends its call with RESOURCE_EXHAUSTED. */
  readonly maxMessageBytes: number;
  /** Streams we open at once, should the peer allow more. */
  readonly maxConcurrentStreams: number;
  /** Calls that wait for a stream; one more ends at once as `queue-full`. */
  readonly maxQueuedCalls: number;
}

export const DEFAULT_LIMITS: ClientLimits = Object.freeze({
  initialWindowBytes: 1_048_576,
  connectionWindowBytes: 16_777_216,
  maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
  maxHeaderBlockBytes: 65_536,
  maxHeaderListBytes: 65_536,
  maxMessageBytes: 4_194_304,
  maxConcurrentStreams: 10_000,
  maxQueuedCalls: 65_536,
});

const RANGES: Record<keyof ClientLimits, readonly [min: number, max: number]> = {
  initialWindowBytes: [1, LARGEST_WINDOW_BYTES],
  connectionWindowBytes: [DEFAULT_WINDOW_BYTES, LARGEST_WINDOW_BYTES],
  maxFrameBytes: [DEFAULT_MAX_FRAME_BYTES, LARGEST_MAX_FRAME_BYTES],
  maxHeaderBlockBytes: [1_024, 16_777_216],
  maxHeaderListBytes: [1_024, 16_777_216],
  maxMessageBytes: [0, 0x7fffffff],
  maxConcurrentStreams: [1, LARGEST_STREAM_ID],
  maxQueuedCalls: [0, 16_777_216],
};

/** The limits asked for, defaults filled in. Throws RangeError with the name and value of a bad one. */
export function limitsOf(options: Partial<ClientLimits>): ClientLimits {
  const limit = (name: keyof ClientLimits): number => {
    const value = options[name] ?? DEFAULT_LIMITS[name];
    const [min, max] = RANGES[name];
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${value}`);
  };
  return Object.freeze({
    initialWindowBytes: limit("initialWindowBytes"),
    connectionWindowBytes: limit("connectionWindowBytes"),
    maxFrameBytes: limit("maxFrameBytes"),
    maxHeaderBlockBytes: limit("maxHeaderBlockBytes"),
    maxHeaderListBytes: limit("maxHeaderListBytes"),
    maxMessageBytes: limit("maxMessageBytes"),
    maxConcurrentStreams: limit("maxConcurrentStreams"),
    maxQueuedCalls: limit("maxQueuedCalls"),
  });
}
