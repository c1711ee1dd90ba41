// A gateway with replicas of the services behind it, one of them behind a slow link, and a link of each network condition before it. What is
// started here is stopped by `stop`, also when starting fails half-way.

import { startLink } from "#harness/fault/link-process.ts";
import { type LinkName, links } from "#harness/fault/links.ts";
import { untilServing } from "#harness/sut/health.ts";
import type { CorePlan } from "#harness/sut/pinning.ts";
import { type Address, type RunningSystem, startSystem } from "#harness/sut/start-system.ts";
import { clusterDesign } from "./ablation-design.ts";

export interface ClusterOptions {
  readonly name: string;
  /** A directory of the run's own. */
  readonly directory: string;
  /** Of every process: keys, database, what is logged. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of the arm. */
  readonly settings: Readonly<Record<string, string>>;
  /** Replicated; everything else stays with `shared`. */
  readonly services: readonly string[];
  readonly shared: Address;
  readonly conditions: readonly LinkName[];
  /** The last of them, where there are more than one, is behind a slow link. */
  readonly replicas: number;
  readonly cores: CorePlan;
  readonly nodeFlags: readonly string[];
  readonly signal: AbortSignal;
}

export interface ClusterUsage {
  readonly cpuMicros: number;
  /** Null where it is not profiled. */
  readonly allocatedBytes: number | null;
  readonly memoryBytes: number;
}

export interface Cluster {
  /** Where to reach the gateway under a condition. */
  readonly addresses: ReadonlyMap<LinkName, Address>;
  /** Of gateway and replicas together. */
  usage(): Promise<ClusterUsage>;
  stop(): Promise<void>;
}

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { conditions, services, shared, replicas: count } = options;
  const opened: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const attempts = await Promise.allSettled(
      Array.from({ length: count }, (_, i) => startReplica(options, i, addressText(shared))),
    );
    const replicas = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value] : []));
    opened.push(() => Promise.all(replicas.map((replica) => replica.stop())));
    const failed = attempts.find((attempt) => attempt.status === "rejected");
    if (failed !== undefined) throw failed.reason;

    const places: Address[] = [];
    for (const [i, { grpc }] of replicas.entries()) {
      if (i === 0 || i < replicas.length - 1) {
        places.push(grpc);
        continue;
      }
      const slow = await startLink({
        target: grpc,
        profile: { name: "slow replica", delayMs: clusterDesign.slowReplicaDelayMs },
      });
      opened.push(() => slow.stop());
      places.push(slow);
    }
    const place = places.map(addressText).join("|");
    const gateway = await start(options, "gateway", {
      GATEWAY: "1",
      SERVICES: "registry,gateway",
      BACKENDS: [...services.map((name) => `${name}=${place}`), `*=${addressText(shared)}`].join(),
    });
    opened.push(() => gateway.stop());
    const addresses = new Map<LinkName, Address>();
    for (const condition of conditions) {
      const profile = links[condition];
      const link = profile === undefined ? undefined : await startLink({ target: gateway.grpc, profile });
      if (link !== undefined) opened.push(() => link.stop());
      addresses.set(condition, link ?? gateway.grpc);
    }
    return { addresses, usage: () => usageOf([gateway, ...replicas]), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startReplica(options: ClusterOptions, index: number, shared: string): Promise<RunningSystem> {
  return start(options, `replica-${index}`, {
    SERVICES: options.services.join(),
    BACKENDS: `*=${shared}`,
    MAX_STREAMS_PER_CONNECTION: `${clusterDesign.streamsPerConnection}`,
    DATABASE_CONNECTIONS: "6",
    TRUSTED_GATEWAYS: "127.0.0.1",
  });
}

function start(
  { name, directory, environment, settings, cores, nodeFlags, signal }: ClusterOptions,
  part: string,
  own: Readonly<Record<string, string>>,
): Promise<RunningSystem> {
  return startSystem({
    name: `${name}, ${part}`,
    env: {
      NODE_COMPILE_CACHE: "node_modules/.cache/harness-compile",
      ...environment,
      ...settings,
      ...own,
      DATA_DIR: `${directory}/${part}`,
    },
    nodeFlags,
    core: cores.server,
    startCores: cores.all,
    serving: untilServing,
    signal,
  });
}

async function usageOf(systems: readonly RunningSystem[]): Promise<ClusterUsage> {
  const all = await Promise.all(systems.map((system) => system.runtime()));
  const allocated = all.map(({ allocatedBytes }) => allocatedBytes).filter((bytes) => bytes !== null);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    cpuMicros: sum(all.map(({ cpuMicros }) => cpuMicros)),
    allocatedBytes: allocated.length === all.length ? sum(allocated) : null,
    memoryBytes: sum(all.map(({ rssBytes }) => rssBytes)),
  };
}

const addressText = ({ host, port }: Address): string => `${host}:${port}`;
