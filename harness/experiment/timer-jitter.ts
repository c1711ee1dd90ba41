// How late timers fire here while nothing else runs: the floor under every latency that the generator can see.

import { setTimeout as sleep } from "node:timers/promises";

export interface TimerJitter {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Lateness of `count` (default 100) timers of 1 ms each. */
export async function timerJitter(count = 100): Promise<TimerJitter> {
  const late: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await sleep(1);
    late.push(Math.max(0, performance.now() - start - 1));
  }
  late.sort((a, b) => a - b);
  const at = (share: number) => late[Math.min(late.length - 1, Math.floor(share * late.length))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: late.at(-1) ?? 0 };
}
