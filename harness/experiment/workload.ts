// What the experiment needs of a workload: an endless sequence of prepared requests. Where they come from is not its concern.

import type { PreparedRequest } from "#wire/prepared-request.ts";
import type { WorkloadId } from "./slice-record.ts";

export interface Workload {
  readonly id: WorkloadId;
  /** For the report: how many distinct requests, with what skew. */
  readonly description: string;
  /** The request at a place of the sequence, from 0; prepared once, so this only looks it up. */
  readonly request: (index: number) => PreparedRequest;
  /** Calls kept in flight in the closed loop, by link. */
  readonly concurrency: { readonly loopback: number; readonly shaped: number };
}
