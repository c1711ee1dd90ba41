// How long and how far the searches and series of capacity go, as data.

export interface CapacityPlan {
  /** Arms whose saturation is searched: none and all factors and each left out once, or all factors only. */
  readonly searched: "each left out" | "all";
  /** What a rate that counts as sustained may take. */
  readonly p99Ms: number;
  readonly searchSliceMs: number;
  /** Slices for each decision of a search, odd. */
  readonly searchRepeats: number;
  /** Where a search ends: high over low. */
  readonly precision: number;
  readonly connections: readonly number[];
  readonly callsPerConnection: number;
  readonly replicas: readonly number[];
  readonly callsInFlight: number;
  readonly slices: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
}

export const fullCapacityPlan: CapacityPlan = Object.freeze({
  searched: "each left out",
  p99Ms: 50,
  searchSliceMs: 500,
  searchRepeats: 3,
  precision: 1.1,
  connections: [1, 2, 4, 8, 16, 32, 64],
  callsPerConnection: 4,
  replicas: [1, 2, 3, 4, 5, 6],
  callsInFlight: 32,
  slices: 4,
  sliceMs: 400,
  warmUpMs: 1_000,
});

/** One search and the series over connections: that everything works, and no number to quote. */
export const quickCapacityPlan: CapacityPlan = Object.freeze({
  ...fullCapacityPlan,
  searched: "all",
  searchSliceMs: 200,
  searchRepeats: 1,
  precision: 1.4,
  connections: [1, 2, 4, 8, 16, 32],
  replicas: [],
  slices: 2,
  sliceMs: 120,
  warmUpMs: 200,
});

/** Cells of the factorial. */
export function searchedCells({ searched }: CapacityPlan, factors: number): number[] {
  const all = 2 ** factors - 1;
  if (searched === "all") return [all];
  return [0, all, ...Array.from({ length: factors }, (_, bit) => all - 2 ** bit)];
}

// In seconds, on two slow cores.
const clusterSeconds = 4.5;
const replicaSeconds = 1;
/** Rates that a search tries. */
const searchRates = 9;

/** Expected length, with a search for each of `arms`. */
export function capacitySeconds(plan: CapacityPlan, arms: number): number {
  const search =
    clusterSeconds + (plan.warmUpMs + searchRates * plan.searchRepeats * plan.searchSliceMs) / 1000;
  const point = (plan.warmUpMs + plan.slices * plan.sliceMs) / 1000;
  const overReplicas = plan.replicas.reduce((sum, n) => sum + 2 + replicaSeconds * n + point, 0);
  return arms * search + clusterSeconds + plan.connections.length * point + overReplicas;
}
