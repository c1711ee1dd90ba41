// What a link is like, in both directions alike unless said otherwise. Checked once, where it enters.

export interface LinkProfile {
  readonly name: string;
  /** One way; half of what it adds to a round trip. Whole milliseconds are kept to within one. */
  readonly delayMs: number;
  /** Each piece is up to this much later than delayMs, evenly distributed; the order of bytes is kept. Default 0. */
  readonly jitterMs?: number;
  /** Of all connections together, in one direction. Default: no limit. */
  readonly bandwidthBytesPerSecond?: number;
  /**
   * Bytes of one connection in one direction that are on their way at most, before its sender is made to wait. Default: twice
   * what the link holds at full speed, at least 256 KiB.
   */
  readonly bufferBytes?: number;
}

const smallestBufferBytes = 262_144;

/** The same profile with every default filled in. Throws RangeError for a value that is no link. */
export function checkedProfile(profile: LinkProfile): Required<LinkProfile> {
  const { name, delayMs, jitterMs = 0, bandwidthBytesPerSecond = Number.MAX_SAFE_INTEGER } = profile;
  if (!(delayMs >= 0 && delayMs <= 60_000)) throw invalid(name, "delayMs", "0 to 60000", delayMs);
  if (!(jitterMs >= 0 && jitterMs <= 60_000)) throw invalid(name, "jitterMs", "0 to 60000", jitterMs);
  if (!(bandwidthBytesPerSecond > 0)) {
    throw invalid(name, "bandwidthBytesPerSecond", "above 0", bandwidthBytesPerSecond);
  }
  const held = profile.bandwidthBytesPerSecond === undefined ? 0 : (bandwidthBytesPerSecond * delayMs) / 1000;
  const bufferBytes = profile.bufferBytes ?? Math.max(smallestBufferBytes, Math.ceil(2 * held));
  if (!(bufferBytes >= 1)) throw invalid(name, "bufferBytes", "at least 1", bufferBytes);
  return { name, delayMs, jitterMs, bandwidthBytesPerSecond, bufferBytes };
}

function invalid(link: string, field: string, rule: string, value: number): RangeError {
  return new RangeError(`link ${JSON.stringify(link)}: ${field} must be ${rule}, got ${value}`);
}
