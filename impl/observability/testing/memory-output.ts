// A log output for tests: keeps the text, gives the lines parsed.
import type { LogOutput } from "../log-output.ts";

export interface MemoryOutput extends LogOutput {
  readonly text: string;
  /** Throws when a line is not JSON. */
  lines(): Array<Record<string, unknown>>;
}

export function memoryOutput(): MemoryOutput {
  let text = "";
  return {
    write(lines) {
      text += lines;
    },
    flush: async () => {},
    flushSync() {},
    close: async () => {},
    dropped: 0,
    get text() {
      return text;
    },
    lines: () =>
      text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line)),
  };
}
