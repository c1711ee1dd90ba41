// The faults that can strike the shop of a chaos run, by the names that `make chaos FAULTS=` takes.

import type { Fault } from "#harness/fault/fault.ts";
import type { LinkProcess } from "#harness/fault/link-process.ts";
import type { KillTarget, ShopUnderKill } from "./shop-under-kill.ts";

export interface FaultedShop {
  readonly shop: ShopUnderKill;
  /** Between the shop and those who call it. */
  readonly link: LinkProcess;
}

const FAULTS: Readonly<Record<string, (parts: FaultedShop) => Fault>> = {
  kill: ({ shop }) =>
    kill(shop, "shop", "the shop's process is killed, and stays away until it is started again"),
  "kill-database": ({ shop }) =>
    kill(shop, "postgres", "the database server is killed, and the shop starts another"),
  pause: ({ shop }) => ({
    name: "pause",
    about: "the shop's process is frozen: connections stay, and nothing is answered",
    strike: async () => void process.kill(shop.pid(), "SIGSTOP"),
    // A plan that is cut short heals what never struck, too: a process that runs does not mind.
    heal: async () => void process.kill(shop.pid(), "SIGCONT"),
  }),
};

export const SHOP_FAULTS: readonly string[] = Object.keys(FAULTS);

/** Throws RangeError for a name that is none of SHOP_FAULTS. */
export function shopFault(name: string, parts: FaultedShop): Fault {
  const make = FAULTS[name];
  if (make === undefined) throw new RangeError(`${name} is none of ${SHOP_FAULTS.join(", ")}`);
  const fault = make(parts);
  if (fault.name !== name) throw new TypeError(`the fault ${name} calls itself ${fault.name}`);
  return fault;
}

function kill(shop: ShopUnderKill, target: KillTarget, about: string): Fault {
  return {
    name: target === "shop" ? "kill" : "kill-database",
    about,
    strike: () => shop.bringDown(target),
    heal: () => shop.bringBack(target),
  };
}
