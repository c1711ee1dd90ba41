// Where log lines go: collected in memory and written in the background, so that a call never waits for its line. In order; at most
// `maxPendingBytes` wait, and what comes then is dropped and counted. On exit what is left is written synchronously; only a kill loses it.
import { pino } from "pino";
import type { CancelTimer, Clock } from "#impl/runtime/clock.ts";

export interface LogOutput {
  /** Takes whole lines, each with its line feed. */
  write(lines: string): void;
  /** Resolves when everything written so far has left the process, or cannot. */
  flush(): Promise<void>;
  flushSync(): void;
  /** Flushes, and lets go of timers and of the process's exit. Lines that come later are dropped. */
  close(): Promise<void>;
  /** Lines that were lost. */
  readonly dropped: number;
}

export interface LogOutputOptions {
  /** A file descriptor, or the path of a file to append to. */
  readonly destination: number | string;
  readonly clock: Clock;
  /** A line waits at most this long. Default 200. */
  readonly flushMs?: number;
  /** Default 16 MiB. */
  readonly maxPendingBytes?: number;
}

/** Lines are handed on in pieces of about this many characters. */
const CHUNK = 16_000;

export function openLogOutput(options: LogOutputOptions): LogOutput {
  const { clock, flushMs = 200, maxPendingBytes = 16 * 1024 * 1024 } = options;
  const stream = pino.destination({
    dest: options.destination,
    sync: false,
    minLength: 1,
    maxLength: maxPendingBytes,
  });
  let pending = "";
  let dropped = 0;
  let closed: Promise<void> | undefined;
  let cancelFlush: CancelTimer | undefined;
  stream.on("drop", (chunk: string) => {
    dropped += countLines(chunk);
  });
  // Output that is gone must not end the process that it was about. pino stops writing to a broken pipe, and then never closes.
  let gone = false;
  const giveUp = (): void => {
    gone = true;
  };
  stream.on("error", giveUp);
  // At the end of the process it closes by itself.
  stream.on("finish", giveUp);

  const handOn = (): void => {
    cancelFlush?.();
    cancelFlush = undefined;
    if (pending === "") return;
    const chunk = pending;
    pending = "";
    try {
      if (gone) dropped += countLines(chunk);
      else stream.write(chunk);
    } catch {
      // It has closed by itself since.
      dropped += countLines(chunk);
    }
  };
  const flushSync = (): void => {
    handOn();
    if (!gone) stream.flushSync();
  };
  // Before the stream's own listeners, which know only what was handed on.
  process.prependListener("beforeExit", handOn);
  process.prependListener("exit", handOn);

  const flush = (): Promise<void> => {
    handOn();
    if (gone) return Promise.resolve();
    return new Promise((resolve) => stream.flush(() => resolve()));
  };
  const close = async (): Promise<void> => {
    await flush();
    process.removeListener("beforeExit", handOn);
    process.removeListener("exit", handOn);
    if (gone) return;
    await new Promise<void>((resolve) => {
      stream.once("close", resolve);
      stream.end();
    });
  };
  return {
    write(lines) {
      if (closed !== undefined) {
        dropped += countLines(lines);
        return;
      }
      if (pending === "") cancelFlush = clock.after(flushMs, handOn);
      pending += lines;
      if (pending.length >= CHUNK) handOn();
    },
    flush,
    flushSync,
    close() {
      closed ??= close();
      return closed;
    },
    get dropped() {
      return dropped;
    },
  };
}

function countLines(text: string): number {
  return text.split("\n").length - 1;
}
