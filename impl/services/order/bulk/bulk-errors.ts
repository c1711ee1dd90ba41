// What ends the stream of a bulk job. What is wrong with one of its orders is no error but a rejection.
import { alreadyExists, failedPrecondition, RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { BULK_JOB_TYPE } from "./bulk-job.ts";

/** When a caller should look again whether the other stream has ended. */
const RETRY_DELAY_MS = 1_000;

/** ABORTED: another stream feeds the job. */
export function jobIsFed(jobId: string): RpcError {
  return new RpcError({
    code: Code.ABORTED,
    reason: "BULK_JOB_IS_FED",
    message: `another stream is feeding bulk job ${jobId}`,
    values: { job_id: jobId },
    details: [
      { type: "ResourceInfo", resourceType: BULK_JOB_TYPE, resourceName: jobId },
      { type: "RetryInfo", delayMs: RETRY_DELAY_MS },
    ],
  });
}

/** ALREADY_EXISTS: the id is that of a job with another header, or of another caller. */
export function otherJobExists(jobId: string): RpcError {
  return alreadyExists(BULK_JOB_TYPE, jobId);
}

/** FAILED_PRECONDITION: the caller said that there are no more orders, and sends one. */
export function jobHasEnded(jobId: string, position: number): RpcError {
  return failedPrecondition(
    "BULK_JOB_ENDED",
    `${BULK_JOB_TYPE}/${jobId}`,
    `bulk job ${jobId} ended without position ${position}: send it in another job`,
  );
}
