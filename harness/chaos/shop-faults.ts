// The faults that can strike the shop of a chaos run, by the names that `make chaos FAULTS=` takes.

import type { Fault } from "#harness/fault/fault.ts";
import { postgresPid } from "#harness/fault/kill-process.ts";
import type { LinkControl } from "#harness/fault/link-control.ts";
import { bandwidth } from "#harness/fault/network/bandwidth.ts";
import { blackhole } from "#harness/fault/network/blackhole.ts";
import { halfOpen } from "#harness/fault/network/half-open.ts";
import { jitter } from "#harness/fault/network/jitter.ts";
import { latency } from "#harness/fault/network/latency.ts";
import { oneWayPartition, partition } from "#harness/fault/network/partition.ts";
import { resetPeer } from "#harness/fault/network/reset-peer.ts";
import { slowReader } from "#harness/fault/network/slow-reader.ts";
import { clockJump } from "#harness/fault/process/clock-jump.ts";
import { family } from "#harness/fault/process/family.ts";
import { pause } from "#harness/fault/process/pause.ts";
import { restart } from "#harness/fault/process/restart.ts";
import { stutter } from "#harness/fault/process/stutter.ts";
import { fullDisk } from "#harness/fault/storage/full-disk.ts";
import type { ShopSurroundings } from "./shop-surroundings.ts";
import type { KillTarget, ShopUnderKill } from "./shop-under-kill.ts";

export interface FaultedShop {
  readonly shop: ShopUnderKill;
  /** Between the shop and those who call it. */
  readonly link: LinkControl;
  /** The shop's. */
  readonly dataDir: string;
  readonly surroundings: ShopSurroundings;
}

const FAULTS: Readonly<Record<string, (parts: FaultedShop) => Fault>> = {
  kill: ({ shop }) =>
    kill(shop, "shop", "the shop's process is killed, and stays away until it is started again"),
  "kill-database": ({ shop }) =>
    kill(shop, "postgres", "the database server is killed, and the shop starts another"),
  "kill-redis": ({ surroundings }) =>
    restart({
      name: "kill-redis",
      about: "the Redis that rate limits are shared in is killed, with all that it held",
      kill: async () => surroundings.redis?.kill(),
      start: async () => surroundings.redis?.start(),
    }),
  pause: ({ shop }) => pause({ name: "pause", who: "the shop", pids: () => [shop.pid()] }),
  stutter: ({ shop }) => stutter({ name: "stutter", who: "the shop", pids: () => [shop.pid()] }),
  "pause-database": ({ dataDir }) =>
    pause({ name: "pause-database", who: "the database server", pids: databaseOf(dataDir) }),
  "slow-database": ({ dataDir }) =>
    stutter({ name: "slow-database", who: "the database server", pids: databaseOf(dataDir) }),
  "full-disk": ({ dataDir }) => fullDisk(dataDir),
  "clock-jump": ({ shop, surroundings }) =>
    clockJump({ file: surroundings.clockFile, pid: () => shop.pid() }),
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

/** The server and its workers; nothing while there is none. */
function databaseOf(dataDir: string): () => Promise<readonly number[]> {
  return () => postgresPid(dataDir).then(family, () => []);
}
