// The experiments with a gateway and replicas: one database and one shop in it, then the ablation and, when planned, the searches and series
// of capacity. Owns everything that is started and leaves nothing behind, however it ends.

import { type SeededRandom, seededRandom } from "#harness/random/seeded-random.ts";
import { untilServing } from "#harness/sut/health.ts";
import type { CorePlan } from "#harness/sut/pinning.ts";
import { startSystem } from "#harness/sut/start-system.ts";
import { createTokenIssuer } from "#harness/sut/tokens.ts";
import type { Shop } from "#harness/workload/shop.ts";
import { type AblationResult, runAblation } from "./ablation.ts";
import { type AblationArm, ablationArms } from "./ablation-design.ts";
import type { ClusterPlan } from "./ablation-plan.ts";
import { type CapacityPlan, searchedCells } from "./capacity-plan.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { fillClusterShop } from "./cluster-shop.ts";
import type { ClusterWorkload, ClusterWorkloadId } from "./cluster-workload.ts";
import { type ArmSaturation, searchArms } from "./saturation-of-arms.ts";
import { type ScalabilitySeries, scaleConnections, scaleReplicas } from "./scalability-of-arm.ts";

export interface ClusterExperimentOptions {
  readonly plan: ClusterPlan;
  readonly seed: number;
  readonly shop: Shop;
  /** A directory of its own, which the caller removes. */
  readonly directory: string;
  readonly cores: CorePlan;
  readonly nodeFlags: readonly string[];
  /** `leftSeconds`: of these experiments, where it is known better than planned. */
  readonly onStep: (text: string, done: number, total: number, leftSeconds?: number) => void;
  readonly signal: AbortSignal;
}

export interface CapacityResult {
  readonly plan: CapacityPlan;
  readonly workload: ClusterWorkloadId;
  readonly saturation: readonly ArmSaturation[];
  readonly scalability: readonly ScalabilitySeries[];
}

export interface ClusterExperimentResult {
  readonly ablation: AblationResult;
  readonly workloads: readonly ClusterWorkload[];
  readonly capacity: CapacityResult | undefined;
  readonly seconds: number;
}

const operator = "00000000-0000-7000-8000-000000000001";
const permissions = [
  "products.read",
  "products.write",
  "users.read",
  "users.write",
  "inventory.read",
  "inventory.write",
  "orders.read",
  "orders.write",
  "orders.override_price",
  "payments.read",
];
const tokenSeconds = 24 * 3600;
/** What reads need; a system of less starts faster. */
const readServices = ["user", "product"];
const orderServices = ["user", "product", "order", "inventory"];

export async function runClusterExperiments(
  options: ClusterExperimentOptions,
): Promise<ClusterExperimentResult> {
  const { plan, seed, shop, signal, onStep, cores, nodeFlags } = options;
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const directory = `${options.directory}/cluster`;
  const random = seededRandom(seed).fork("cluster");
  const issuer = await createTokenIssuer(options.directory);
  const token = await issuer.issue({ subject: operator, permissions }, tokenSeconds);
  const environment = {
    JWKS_FILE: issuer.jwksFile,
    LOG_LEVEL: "warn",
    PROFILE_ALLOCATIONS: "1",
    // Processes believe each other's calls by it; the first makes it.
    SERVICE_KEY_FILE: `${options.directory}/service-key.json`,
    // Tokens of one replica are read by another.
    PAGE_TOKEN_SECRET: "cluster".padEnd(64, "0"),
  };
  onStep("gateway and replicas: starting their database", 0, 1);
  const owner = await startSystem({
    name: "shared services",
    env: {
      ...environment,
      ...(plan.orders > 0 ? {} : { SERVICES: readServices.join() }),
      DATA_DIR: `${directory}/owner`,
      SHOW_DATABASE_URL: "1",
    },
    nodeFlags,
    core: cores.server,
    startCores: cores.all,
    serving: untilServing,
    signal,
  });
  try {
    onStep("gateway and replicas: importing the shop", 0, 1);
    const filling = { address: owner.grpc, token, shop, seed, orders: plan.orders, signal };
    const workloads = await fillClusterShop(filling);
    const { databaseUrl } = await owner.runtime();
    if (databaseUrl === undefined) throw new Error("the system does not tell its database's address");
    const conditions = [...new Set(plan.ablation.scenarios.map(({ condition }) => condition))];
    const start = (arm: AblationArm, replicas = plan.replicas) =>
      startCluster({
        name: arm.label,
        directory,
        environment: { ...environment, DATABASE_URL: databaseUrl },
        settings: arm.settings,
        shared: owner.grpc,
        services: plan.orders > 0 ? orderServices : readServices,
        conditions,
        replicas,
        cores,
        nodeFlags,
        signal,
      });
    const ablation = await runAblation({
      plan: plan.ablation,
      workloads,
      startCluster: start,
      random: random.fork("ablation"),
      onStep: (text, done, total, left) =>
        onStep(text, done, total, left === undefined ? undefined : left + plan.capacitySeconds),
      mayStart: (longestSeconds) => elapsed() + longestSeconds <= plan.budgetSeconds,
      signal,
    });
    const capacity = await measureCapacity(options, workloads, start, random.fork("capacity"));
    return { ablation, workloads, capacity, seconds: elapsed() };
  } finally {
    await owner.stop();
  }
}

async function measureCapacity(
  { plan: { ablation, capacity: plan }, onStep, signal }: ClusterExperimentOptions,
  workloads: readonly ClusterWorkload[],
  startCluster: (arm: AblationArm, replicas?: number) => Promise<Cluster>,
  random: SeededRandom,
): Promise<CapacityResult | undefined> {
  const workload = workloads.find(({ id }) => id === "hot-reads");
  if (plan === undefined || workload === undefined || signal.aborted) return undefined;
  const options = {
    plan,
    workload,
    startCluster,
    random,
    onStep: (text: string) => onStep(text, 1, 1),
    signal,
  };
  const arms = ablationArms(ablation.factors);
  const searched = searchedCells(plan, ablation.factors.length).flatMap((cell) => arms[cell] ?? []);
  const saturation = await searchArms(options, searched);
  // A cache at the gateway would answer for the replicas.
  const [arm] = ablationArms(["pooling", "balancing"]).slice(-1);
  if (arm === undefined) throw new RangeError("there is no arm to scale");
  const scalability = [await scaleConnections(options, arm)];
  if (plan.replicas.length > 0) scalability.push(await scaleReplicas(options, arm));
  return { plan, workload: workload.id, saturation, scalability };
}
