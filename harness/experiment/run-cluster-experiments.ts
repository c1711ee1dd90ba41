// The experiments with a gateway and replicas: one database and one shop in it, then the ablation and, when asked for, the searches and
// series. Owns everything that is started and leaves nothing behind, however it ends.

import { v7 as uuidV7 } from "uuid";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { catalogueOf, emailOf } from "#harness/sut/catalogue.ts";
import { untilServing } from "#harness/sut/health.ts";
import type { CorePlan } from "#harness/sut/pinning.ts";
import { seedShop } from "#harness/sut/seed-shop.ts";
import { type RunningSystem, startSystem } from "#harness/sut/start-system.ts";
import { createTokenIssuer } from "#harness/sut/tokens.ts";
import type { Shop } from "#harness/workload/shop.ts";
import { ReceiveStockRequest } from "#proto/ecommerce/v1/inventory.ts";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";
import { type AblationPlan, type AblationResult, runAblation } from "./ablation.ts";
import { type AblationArm, ablationArms } from "./ablation-design.ts";
import {
  type ArmSaturation,
  type CapacityPlan,
  type ScalabilitySeries,
  scaleConnections,
  scaleReplicas,
  searchArms,
} from "./capacity.ts";
import { startCluster } from "./cluster.ts";
import { type ClusterWorkload, clusterWorkloads, headOf, placeOrder } from "./cluster-workloads.ts";
import { prepareWorkloads } from "./prepare-workloads.ts";

export interface ClusterExperimentOptions {
  readonly ablation: AblationPlan;
  readonly capacity: CapacityPlan | undefined;
  readonly seed: number;
  readonly shop: Shop;
  /** A directory of its own, which the caller removes. */
  readonly directory: string;
  readonly cores: CorePlan;
  readonly nodeFlags: readonly string[];
  readonly onStep: (text: string, done: number, total: number) => void;
  /** Whether another block of so many seconds may begin. */
  readonly mayStart?: (longestSeconds: number) => boolean;
  readonly signal: AbortSignal;
}

export interface ClusterExperimentResult {
  readonly ablation: AblationResult;
  readonly workloads: readonly ClusterWorkload[];
  readonly capacity:
    | {
        readonly plan: CapacityPlan;
        readonly saturation: readonly ArmSaturation[];
        readonly scalability: readonly ScalabilitySeries[];
      }
    | undefined;
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
/** Of each product. */
const units = 10_000_000n;
const receiptLines = 200;
const knownOrders = 50;

export async function runClusterExperiments(
  options: ClusterExperimentOptions,
): Promise<ClusterExperimentResult> {
  const { seed, signal, onStep, cores, nodeFlags } = options;
  const directory = `${options.directory}/cluster`;
  const random = seededRandom(seed).fork("cluster");
  const issuer = await createTokenIssuer(options.directory);
  const token = await issuer.issue({ subject: operator, permissions }, tokenSeconds);
  const environment = {
    JWKS_FILE: issuer.jwksFile,
    LOG_LEVEL: "warn",
    PROFILE_ALLOCATIONS: "1",
    // Tokens of one replica are read by another.
    PAGE_TOKEN_SECRET: "cluster".padEnd(64, "0"),
  };
  onStep("starting the database of the gateway's experiments", 0, 1);
  const owner = await startSystem({
    name: "shared services",
    env: { ...environment, DATA_DIR: `${directory}/owner`, SHOW_DATABASE_URL: "1" },
    nodeFlags,
    core: cores.server,
    serving: untilServing,
    signal,
  });
  try {
    const workloads = await fill(owner, options, token);
    const { databaseUrl } = await owner.runtime();
    if (databaseUrl === undefined) throw new Error("the system does not tell its database's address");
    const start = (conditions: AblationPlan["conditions"]) => (arm: AblationArm, replicas?: number) =>
      startCluster({
        name: arm.label,
        directory,
        environment: { ...environment, DATABASE_URL: databaseUrl },
        settings: arm.settings,
        shared: owner.grpc,
        conditions,
        ...(replicas === undefined ? {} : { replicas }),
        cores,
        nodeFlags,
        signal,
      });
    const ablation = await runAblation({
      plan: options.ablation,
      workloads,
      startCluster: start(options.ablation.conditions),
      random: random.fork("ablation"),
      onStep,
      ...(options.mayStart === undefined ? {} : { mayStart: options.mayStart }),
      signal,
    });
    const [hotReads] = workloads;
    const plan = options.capacity;
    if (plan === undefined || hotReads === undefined) return { ablation, workloads, capacity: undefined };
    const capacityOptions = {
      plan,
      workload: hotReads,
      startCluster: start(["loopback"]),
      random: random.fork("capacity"),
      onStep: (text: string) => onStep(text, 1, 1),
      signal,
    };
    const all = ablationArms(options.ablation.factors);
    // None, all, and all but one.
    const arms = all.filter(
      ({ cell }) => [0, all.length - 1].includes(cell) || isAllButOne(cell, all.length),
    );
    const saturation = await searchArms(capacityOptions, arms);
    const best = all.at(-1);
    const scalability =
      best === undefined
        ? []
        : [await scaleConnections(capacityOptions, best), await scaleReplicas(capacityOptions, best)];
    return { ablation, workloads, capacity: { plan, saturation, scalability } };
  } finally {
    await owner.stop();
  }
}

function isAllButOne(cell: number, cells: number): boolean {
  const missing = cells - 1 - cell;
  return missing > 0 && (missing & (missing - 1)) === 0;
}

async function fill(
  owner: RunningSystem,
  { shop, seed, signal, onStep }: ClusterExperimentOptions,
  token: string,
): Promise<ClusterWorkload[]> {
  const connection = await connect({ ...owner.grpc, signal });
  try {
    onStep("importing the shop of the gateway's experiments", 0, 1);
    const seeded = await seedShop({ connection, token, shop: catalogueOf(shop) });
    const productIds = [...seeded.productIds.values()];
    await receive(connection, token, productIds);
    const orderIds: string[] = [];
    for (let i = 0; i < knownOrders; i++) {
      const { status, orderId } = await placeOrder(
        connection,
        headOf(token),
        productIds[i % productIds.length] ?? "",
      );
      if (status !== 0) throw new Error(`an order of the shop's filling failed with status ${status}`);
      orderIds.push(orderId);
    }
    const [hotReads, searchPages] = await prepareWorkloads({
      connection,
      token,
      seeded,
      shop,
      emailOf,
      random: seededRandom(seed),
    });
    if (hotReads === undefined || searchPages === undefined) throw new Error("no reads were prepared");
    return clusterWorkloads({ token, productIds, hotReads, searchPages, orderIds });
  } finally {
    await connection.close();
  }
}

async function receive(
  connection: WireConnection,
  token: string,
  productIds: readonly string[],
): Promise<void> {
  for (let from = 0; from < productIds.length; from += receiptLines) {
    const items = productIds
      .slice(from, from + receiptLines)
      .map((productId) => ({ productId, quantity: units }));
    const request = { items, reference: "experiment", requestId: uuidV7() };
    const { grpcStatus, grpcMessage } = await connection.call({
      ...headOf(token),
      path: "/ecommerce.v1.InventoryService/ReceiveStock",
      message: ReceiveStockRequest.encode(request).finish(),
    });
    if (grpcStatus !== 0) throw new Error(`ReceiveStock failed with status ${grpcStatus}: ${grpcMessage}`);
  }
}
