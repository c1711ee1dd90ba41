// Which core runs what. A generator and a server that share a core measure the scheduler; on two cores or more the
// generator keeps core 0 and everything of the system, its database included, gets core 1. Says what it did, and does
// nothing where `taskset` or the second core is missing.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface CorePlan {
  /** Undefined: not pinned. */
  readonly generator: number | undefined;
  readonly server: number | undefined;
  /** All that may be used, as taskset writes them; undefined where nothing is pinned. */
  readonly all: string | undefined;
  /** In words, for the report. */
  readonly statement: string;
}

/** The cores this process may use; from the kernel, so that a container's set counts. */
export function planCores(
  allowed: readonly number[] = allowedCores(),
  tasksetExists: boolean = hasTaskset(),
): CorePlan {
  const [generator, server] = allowed;
  if (!tasksetExists) return unpinned("not pinned: there is no taskset");
  if (generator === undefined || server === undefined) {
    return unpinned(`not pinned: ${allowed.length} core is available, two are needed`);
  }
  return {
    generator,
    server,
    all: allowed.join(","),
    statement: `generator on core ${generator}, server and database on core ${server}`,
  };
}

/** The command that runs `command` on a core, or on a list of them such as "0,1"; undefined: where its parent runs. */
export function pinned(
  cores: number | string | undefined,
  command: readonly [string, ...string[]],
): [string, ...string[]] {
  return cores === undefined ? [...command] : ["taskset", "-c", String(cores), ...command];
}

/** Moves every thread of a process to `core`; a refusal is an Error with taskset's words. */
export function pinProcess(pid: number, core: number | undefined): void {
  if (core === undefined) return;
  const result = spawnSync("taskset", ["-a", "-p", "-c", String(core), String(pid)], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`taskset refused core ${core} for ${pid}: ${result.stderr}`);
}

function unpinned(statement: string): CorePlan {
  return { generator: undefined, server: undefined, all: undefined, statement };
}

function hasTaskset(): boolean {
  return spawnSync("taskset", ["--version"]).status === 0;
}

function allowedCores(): number[] {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
    return parseCoreList(list);
  } catch {
    return [];
  }
}

/** "0-2,5" is [0, 1, 2, 5]. */
export function parseCoreList(list: string): number[] {
  return list
    .split(",")
    .filter((part) => /^\d+(-\d+)?$/.test(part))
    .flatMap((part) => {
      const [first = 0, last = first] = part.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}
