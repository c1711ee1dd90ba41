// One arm of an ablation while it runs: its cluster, and connections of the generator to it under each condition.

import type { LinkName } from "#harness/fault/links.ts";
import type { AblationArm } from "./ablation-design.ts";
import { type CallDriver, connectCallDriver } from "./call-driver.ts";
import type { Cluster } from "./cluster.ts";

export interface ArmCluster {
  readonly cluster: Cluster;
  driver(condition: LinkName): CallDriver;
}

const connectionsPerArm = 4;

/** Starts one, and stops it however `use` ends. */
export async function withArm(
  startCluster: (arm: AblationArm) => Promise<Cluster>,
  arm: AblationArm,
  use: (under: ArmCluster) => Promise<void>,
): Promise<void> {
  const cluster = await startCluster(arm);
  const drivers = new Map<LinkName, CallDriver>();
  try {
    for (const [condition, address] of cluster.addresses) {
      drivers.set(condition, await connectCallDriver(address, connectionsPerArm));
    }
    await use({
      cluster,
      driver(condition) {
        const driver = drivers.get(condition);
        if (driver === undefined) throw new RangeError(`no connections for ${condition}`);
        return driver;
      },
    });
  } finally {
    await Promise.all([...drivers.values()].map((driver) => driver.close()));
    await cluster.stop();
  }
}
