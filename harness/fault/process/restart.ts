// The fault of a service that dies and is started again when it heals, with what it has kept.

import type { Fault } from "../fault.ts";

export interface RestartOptions {
  /** Such as "kill-redis". */
  readonly name: string;
  readonly about: string;
  /** At once, without a word. */
  readonly kill: () => Promise<unknown>;
  /** At the same address. Resolves when it serves. */
  readonly start: () => Promise<unknown>;
}

export function restart({ name, about, kill, start }: RestartOptions): Fault {
  let down = false;
  return {
    name,
    about,
    async strike() {
      down = true;
      await kill();
    },
    async heal() {
      if (down) await start();
      down = false;
    },
  };
}
