// A bulk job and how far it has come. What it is fed from is not known here, only how often it was.
import { BulkAtomicity, type BulkJobHeader, BulkJobState } from "#proto/ecommerce/v1/order_bulk.ts";

export { BulkAtomicity, BulkJobState };

export const BULK_JOB_TYPE = "ecommerce.v1.BulkJob";

export const DEFAULT_BATCH_SIZE = 100;

export interface BulkJob {
  /** In lower case. */
  readonly jobId: string;
  /** Undefined when nobody is known. */
  readonly ownerId: string | undefined;
  readonly state: BulkJobState;
  readonly atomicity: BulkAtomicity;
  readonly batchSize: number;
  /** The number of the stream that fed it last, from 1. */
  readonly feed: bigint;
  readonly acceptedCount: bigint;
  readonly rejectedCount: bigint;
  readonly succeededCount: bigint;
  readonly failedCount: bigint;
  /** The first position that is not settled. */
  readonly nextPosition: number;
  /** One above the last position that is settled. */
  readonly endPosition: number;
  readonly createTime: Date;
  readonly updateTime: Date;
  /** When the caller said that there are no more orders. */
  readonly receiveTime: Date | undefined;
  readonly completeTime: Date | undefined;
}

/** What makes a job the one that it is: a header with another content is another job. */
export type NewBulkJob = Pick<BulkJob, "jobId" | "ownerId" | "atomicity" | "batchSize">;

export function newBulkJob(header: BulkJobHeader, ownerId: string | undefined): NewBulkJob {
  return {
    jobId: header.requestId.toLowerCase(),
    ownerId,
    atomicity: header.atomicity,
    batchSize: header.batchSize === 0 ? DEFAULT_BATCH_SIZE : header.batchSize,
  };
}

/** `fed`: whether a stream feeds it now. */
export function stateOf(
  { receiveTime, completeTime }: Pick<BulkJob, "receiveTime" | "completeTime">,
  fed: boolean,
): BulkJobState {
  if (completeTime !== undefined) return BulkJobState.BULK_JOB_STATE_COMPLETED;
  if (receiveTime !== undefined) return BulkJobState.BULK_JOB_STATE_PROCESSING;
  return fed ? BulkJobState.BULK_JOB_STATE_RECEIVING : BulkJobState.BULK_JOB_STATE_INTERRUPTED;
}

/** The name of the lock that whoever feeds the job has. */
export function feedLockName(jobId: string): string {
  return `bulk job ${jobId}`;
}
