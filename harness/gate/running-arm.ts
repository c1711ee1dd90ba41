// An arm that is up: its process, the connections to it, and the calls that are made of it.

import type { WireDriver } from "#harness/load/wire-driver.ts";
import type { RunningSystem } from "#harness/sut/start-system.ts";
import type { PreparedRequest } from "#wire/prepared-request.ts";
import type { ArmName } from "./gate-arms.ts";

export interface RunningArm {
  readonly name: ArmName;
  readonly system: RunningSystem;
  readonly driver: WireDriver;
  readonly request: (index: number) => PreparedRequest;
}

/** Of each arm, wherever a number of calls is kept in flight. */
export const callsInFlight = 16;
