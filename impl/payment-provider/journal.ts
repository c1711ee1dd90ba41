// An append-only file of JSON lines: what is appended is there after the process was killed, and what a kill or a full disk cut short is
// left out. It does not wait for the disk, so it does not outlive a power cut.
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";

export interface Journal<T> {
  /** What it held when it was opened, in order. */
  readonly entries: readonly T[];
  /** All of it or nothing: throws when it cannot be written, such as ENOSPC. */
  append(entry: T): void;
  close(): void;
}

/** Made when missing. Readable by its owner only. */
export function openJournal<T>(path: string): Journal<T> {
  const file = openSync(path, "a+", 0o600);
  const text = readFileSync(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole.length < text.length) ftruncateSync(file, Buffer.byteLength(whole));
  const entries = whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => asEntry<T>(JSON.parse(line)));
  let size = Buffer.byteLength(whole);
  return {
    entries,
    append(entry) {
      const line = Buffer.from(`${JSON.stringify(entry)}\n`);
      try {
        // A disk that is nearly full takes a part.
        for (let done = 0; done < line.byteLength; ) done += writeSync(file, line, done);
      } catch (error) {
        ftruncateSync(file, size);
        throw error;
      }
      size += line.byteLength;
    },
    close: () => closeSync(file),
  };
}

/** The cage: the file holds what `append` wrote. */
function asEntry<T>(value: unknown): T {
  return value as T;
}
