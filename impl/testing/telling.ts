// What a stream tells, in words, while a test does something else.
import { expect } from "vitest";

export interface Telling {
  /** Resolves to all words up to and with `last`, once that was said. Rejects when the stream ended or failed before. */
  until(last: string): Promise<string[]>;
}

/** Reads from now on; `say` gives undefined for what is left out. */
export function telling<M>(stream: AsyncIterable<M>, say: (message: M) => string | undefined): Telling {
  const words: string[] = [];
  const read = async (): Promise<never> => {
    for await (const message of stream) {
      const word = say(message);
      if (word !== undefined) words.push(word);
    }
    throw new Error(`the stream ended after ${words.length} words`);
  };
  const reading = read();
  // It may fail before anybody asks.
  reading.catch(() => {});
  return {
    async until(last) {
      const said = expect.poll(() => words.includes(last), { timeout: 15_000 }).toBe(true);
      const ended = reading.catch((error: unknown) => {
        if (!words.includes(last)) throw error;
      });
      await Promise.race([said, ended]);
      return words.slice(0, words.indexOf(last) + 1);
    },
  };
}
