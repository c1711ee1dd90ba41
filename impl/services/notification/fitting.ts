// How much of a page fits into one message.

/** A message that is larger than a caller takes would fail the call. */
const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;

/** The first of the items that fit together, and the very first even when it does not. */
export function fitting<T>(items: readonly T[], bytesOf: (item: T) => number): T[] {
  const kept: T[] = [];
  let bytes = 0;
  for (const item of items) {
    bytes += bytesOf(item);
    if (kept.length > 0 && bytes > MAX_MESSAGE_BYTES) break;
    kept.push(item);
  }
  return kept;
}
