// Bulk jobs and rejections as messages.
import type {
  BulkJob as BulkJobMessage,
  BulkRejection as BulkRejectionMessage,
} from "#proto/ecommerce/v1/order_bulk.ts";
import type { BulkJob } from "./bulk-job.ts";
import type { Rejection } from "./bulk-order.ts";

export function jobMessage(job: BulkJob): BulkJobMessage {
  return {
    jobId: job.jobId,
    state: job.state,
    atomicity: job.atomicity,
    batchSize: job.batchSize,
    receivedCount: job.acceptedCount + job.rejectedCount,
    acceptedCount: job.acceptedCount,
    rejectedCount: job.rejectedCount,
    succeededCount: job.succeededCount,
    failedCount: job.failedCount,
    nextPosition: BigInt(job.nextPosition),
    createTime: job.createTime,
    updateTime: job.updateTime,
    completeTime: job.completeTime,
  };
}

export function rejectionMessage(rejection: Rejection): BulkRejectionMessage {
  return { ...rejection, position: BigInt(rejection.position) };
}
