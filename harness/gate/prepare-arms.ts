// Both arms, each with a database of its own and the calls that are made of it. Base imports the shop. Head continues on a copy when
// its migrations allow, so that ids, pages and the places of rows on the disk are equal too; else it imports the shop itself, and
// what its answers then differ in by chance (ids, and with them the order of equals) is in its bytes on the wire.

import { createDatabase, settleDatabase } from "#harness/sut/databases.ts";
import type { RunningSystem } from "#harness/sut/start-system.ts";
import type { Shop } from "#harness/workload/shop.ts";
import type { Tree } from "./base-tree.ts";
import { type ArmName, type GateArm, type PreparedArm, prepareArm } from "./gate-arms.ts";
import { continuesMigrations } from "./same-migrations.ts";

export interface PrepareArmsOptions {
  readonly serverUrl: string;
  readonly trees: Readonly<Record<ArmName, Pick<Tree, "directory">>>;
  readonly shop: Shop;
  readonly seed: number;
  readonly token: string;
  readonly start: (name: ArmName, databaseUrl: string) => Promise<RunningSystem>;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface PreparedArms {
  readonly arms: Readonly<Record<ArmName, GateArm>>;
  readonly workload: string;
  readonly refusedRows: number;
  /** Whether head reads a copy of base's data. */
  readonly copied: boolean;
}

export async function prepareArms(options: PrepareArmsOptions): Promise<PreparedArms> {
  const { trees, onStep, signal } = options;
  onStep("importing the shop into base");
  const base = await importing("base", options);
  signal.throwIfAborted();
  const copied = await continuesMigrations(trees.base.directory, trees.head.directory);
  onStep(copied ? "copying the shop for head" : "importing the shop into head");
  const head = copied ? await copying(base, options) : await importing("head", options);
  signal.throwIfAborted();
  return {
    arms: { base: base.arm, head: head.arm },
    workload: head.description,
    refusedRows: head.refused,
    copied,
  };
}

async function importing(
  name: ArmName,
  { serverUrl, shop, seed, token, start }: PrepareArmsOptions,
): Promise<PreparedArm> {
  const databaseUrl = await createDatabase(serverUrl, databaseOf(name));
  return prepareArm({ name, databaseUrl, shop, seed, token, start: () => start(name, databaseUrl) });
}

async function copying(base: PreparedArm, { serverUrl, start }: PrepareArmsOptions): Promise<PreparedArm> {
  const databaseUrl = await createDatabase(serverUrl, databaseOf("head"), databaseOf("base"));
  const startHead = () => start("head", databaseUrl);
  // Once before the restarts, for its migrations.
  const system = await startHead();
  await system.stop();
  await settleDatabase(databaseUrl);
  return { ...base, arm: { name: "head", request: base.arm.request, start: startHead } };
}

function databaseOf(name: ArmName): string {
  return `gate_${name}`;
}
