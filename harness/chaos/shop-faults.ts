// The faults that can strike the shop of a chaos run, by the names that `make chaos FAULTS=` takes.

import type { Fault } from "#harness/fault/fault.ts";
import type { LinkControl } from "#harness/fault/link-control.ts";
import { bandwidth } from "#harness/fault/network/bandwidth.ts";
import { blackhole } from "#harness/fault/network/blackhole.ts";
import { halfOpen } from "#harness/fault/network/half-open.ts";
import { jitter } from "#harness/fault/network/jitter.ts";
import { latency } from "#harness/fault/network/latency.ts";
import { oneWayPartition, partition } from "#harness/fault/network/partition.ts";
import { resetPeer } from "#harness/fault/network/reset-peer.ts";
import { slowReader } from "#harness/fault/network/slow-reader.ts";
import { pause } from "#harness/fault/process/pause.ts";
import { stutter } from "#harness/fault/process/stutter.ts";
import type { KillTarget, ShopUnderKill } from "./shop-under-kill.ts";

export interface FaultedShop {
  readonly shop: ShopUnderKill;
  /** Between the shop and those who call it. */
  readonly link: LinkControl;
}

const FAULTS: Readonly<Record<string, (parts: FaultedShop) => Fault>> = {
  kill: ({ shop }) =>
    kill(shop, "shop", "the shop's process is killed, and stays away until it is started again"),
  "kill-database": ({ shop }) =>
    kill(shop, "postgres", "the database server is killed, and the shop starts another"),
  pause: ({ shop }) => pause({ name: "pause", who: "the shop's process", pids: () => [shop.pid()] }),
  stutter: ({ shop }) => stutter({ name: "stutter", who: "the shop's process", pids: () => [shop.pid()] }),
  latency: ({ link }) => latency(link),
  jitter: ({ link }) => jitter(link),
  bandwidth: ({ link }) => bandwidth(link),
  "slow-reader": ({ link }) => slowReader(link),
  "reset-peer": ({ link }) => resetPeer(link),
  partition: ({ link }) => partition(link),
  "one-way-partition-up": ({ link }) => oneWayPartition(link, "up"),
  "one-way-partition-down": ({ link }) => oneWayPartition(link, "down"),
  blackhole: ({ link }) => blackhole(link),
  "half-open-client": ({ link }) => halfOpen(link, "server"),
  "half-open-server": ({ link }) => halfOpen(link, "client"),
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
