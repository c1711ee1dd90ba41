// The module "k6/timers". An iteration is not over while one of its timers waits.

import { type Closable, hold, release, requireVu } from "../vu-context.ts";

const waiting = new Map<number, Closable>();
let lastId = 0;

export function setTimeout(task: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]): number {
  const vu = requireVu("setTimeout");
  const id = ++lastId;
  const timer = globalThis.setTimeout(() => {
    waiting.delete(id);
    try {
      task(...args);
    } catch (error) {
      vu.onError?.(error);
    }
    release(vu, work);
  }, delayMs);
  const work: Closable = {
    close() {
      globalThis.clearTimeout(timer);
      waiting.delete(id);
      release(vu, work);
    },
  };
  waiting.set(id, work);
  hold(vu, work);
  return id;
}

export function clearTimeout(id: number): void {
  waiting.get(id)?.close();
}
