// What is asked of a gateway: the kinds of calls and what is known of them beforehand.

import type { WireConnection } from "#wire/connection.ts";
import type { CallOn } from "./call-driver.ts";

export type ClusterWorkloadId =
  | "hot-reads"
  | "search-pages"
  | "checkout"
  | "order-details"
  | "bulk-orders"
  | "stream-fan-out";

export interface ClusterWorkloadFacts {
  readonly label: string;
  /** Calls in flight in the closed loop: on links of a few milliseconds, and on longer ones, where as many would only wait. */
  readonly concurrency: { readonly near: number; readonly far: number };
  /** How many times as long a slice is as one of short reads. */
  readonly pace: number;
  /** What the 99th percentile may be on loopback where the highest rate within a limit is looked for; each round trip of the link is added. */
  readonly limitMs: number;
}

export const clusterWorkloadFacts: Readonly<Record<ClusterWorkloadId, ClusterWorkloadFacts>> = {
  "hot-reads": { label: "hot reads", concurrency: { near: 32, far: 128 }, pace: 1, limitMs: 50 },
  "search-pages": { label: "16 kB search pages", concurrency: { near: 16, far: 32 }, pace: 1, limitMs: 100 },
  "order-details": { label: "order details", concurrency: { near: 16, far: 32 }, pace: 1, limitMs: 100 },
  checkout: { label: "checkout", concurrency: { near: 4, far: 8 }, pace: 2, limitMs: 500 },
  "bulk-orders": { label: "bulk orders", concurrency: { near: 2, far: 2 }, pace: 4, limitMs: 5000 },
  "stream-fan-out": { label: "stream fan-out", concurrency: { near: 4, far: 8 }, pace: 1, limitMs: 200 },
};

export interface OpenWorkload {
  readonly call: (index: number) => CallOn;
  close(): void;
}

export interface ClusterWorkload extends ClusterWorkloadFacts {
  readonly id: ClusterWorkloadId;
  readonly description: string;
  /** Begins what must be there before the first call, on connections of the arm. Rejects when that does not work. */
  open(connections: readonly WireConnection[]): Promise<OpenWorkload>;
}
