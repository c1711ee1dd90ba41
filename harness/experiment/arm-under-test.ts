// One arm while it runs: its process, and connections to it over loopback and over the shaped link. All that is opened here is
// closed by `stop`, in the reverse order, also when opening fails half-way.

import { connectWireDriver, type WireDriver } from "#harness/load/wire-driver.ts";
import type { Address, RunningSystem } from "#harness/sut/start-system.ts";
import type { Arm } from "./arms.ts";
import type { LinkId } from "./slice-record.ts";

export interface ArmUnderTest {
  readonly arm: Arm;
  readonly system: RunningSystem;
  readonly drivers: Readonly<Record<LinkId, WireDriver>>;
  stop(): Promise<void>;
}

export interface ArmParts {
  startSystem(arm: Arm): Promise<RunningSystem>;
  /** A link with the delay and bandwidth of the run to the address; the same for every arm. */
  openLink(target: Address): Promise<{ readonly address: Address; close(): Promise<void> }>;
  /** Connections to each arm, by link. */
  readonly connections: number;
}

export async function startArm(arm: Arm, parts: ArmParts): Promise<ArmUnderTest> {
  const system = await parts.startSystem(arm);
  const opened: (() => Promise<unknown>)[] = [() => system.stop()];
  const stop = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const link = await parts.openLink(system.grpc);
    opened.push(() => link.close());
    const connect = async (address: Address) => {
      const driver = await connectWireDriver({ ...address, connections: parts.connections });
      opened.push(() => driver.close());
      return driver;
    };
    const drivers = { loopback: await connect(system.grpc), shaped: await connect(link.address) };
    return { arm, system, drivers, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
