// WatchBulkJob: a job as it stands with all its rejections, then as it changes. It looks at the job a few times a second, since nothing
// would tell that the process which fed it was killed; what happened between two looks is one message. A token is the number
// of the last rejection that was sent, so it is good for as long as the job is.
import type { Call } from "#impl/runtime/call.ts";
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import type { Database } from "#impl/storage/database.ts";
import type { WatchBulkJobRequest, WatchBulkJobResponse } from "#proto/ecommerce/v1/order_bulk.ts";
import { millisecondsOf } from "../../shared/milliseconds.ts";
import type { PageTokens, TokenUse } from "../../shared/page-token.ts";
import type { OrderAccess } from "../order-access.ts";
import { BULK_JOB_TYPE, type BulkJob, BulkJobState } from "./bulk-job.ts";
import { jobMessage, rejectionMessage } from "./bulk-messages.ts";
import { rejectionsAfter } from "./bulk-rejections.ts";
import type { JobReader } from "./job-reader.ts";

export interface WatchNeeds {
  readonly database: Database<unknown>;
  readonly reader: JobReader;
  readonly tokens: PageTokens;
  readonly clock: Clock;
  /** How often a watcher looks at its job. */
  readonly pollMs: number;
  readonly access: OrderAccess;
}

/** The rule of the contract. */
const REJECTIONS_PER_MESSAGE = 1_000;
const DEFAULT_HEARTBEAT_MS = 15_000;
const READ_ORDERS = "orders.read";

export async function* watchBulkJob(
  request: WatchBulkJobRequest,
  call: Call,
  needs: WatchNeeds,
): AsyncGenerator<WatchBulkJobResponse> {
  const { reader, clock, pollMs } = needs;
  const jobId = request.jobId.toLowerCase();
  const heartbeatMs = millisecondsOf(request.heartbeatInterval) ?? DEFAULT_HEARTBEAT_MS;
  const watch = new Watch(jobId, request.resumeToken, call, needs);
  let job = await reader.now(jobId, call.signal);
  if (job === undefined || !maySee(job, call, needs)) throw notFound(BULK_JOB_TYPE, jobId);
  let sentAt = clock.monotonic();
  for (;;) {
    for await (const message of watch.news(job)) {
      yield message;
      sentAt = clock.monotonic();
    }
    if (job.state === BulkJobState.BULK_JOB_STATE_COMPLETED) return;
    const silentMs = heartbeatMs - (clock.monotonic() - sentAt);
    if (silentMs <= 0) {
      yield watch.heartbeat(new Date(clock.now()));
      sentAt = clock.monotonic();
    }
    await sleep(clock, silentMs <= 0 ? pollMs : Math.min(pollMs, silentMs), call.signal);
    job = (await reader.lately(jobId)) ?? job;
  }
}

/** What one watcher has been told. */
class Watch {
  readonly #jobId: string;
  readonly #call: Call;
  readonly #needs: WatchNeeds;
  readonly #use: TokenUse;
  /** The number of the last rejection that was sent. */
  #seen: number;
  #told = "";

  constructor(jobId: string, resumeToken: string, call: Call, needs: WatchNeeds) {
    this.#jobId = jobId;
    this.#call = call;
    this.#needs = needs;
    this.#use = { purpose: "orders.bulk-job.1", field: "resume_token", boundTo: jobId };
    this.#seen = resumeToken === "" ? 0 : Number(needs.tokens.open(this.#use, resumeToken));
  }

  /** Nothing when the watcher knows the job as it is. */
  async *news(job: BulkJob): AsyncGenerator<WatchBulkJobResponse> {
    const { queries } = this.#needs.database;
    const total = Number(job.rejectedCount);
    const state = fingerprint(job);
    while (state !== this.#told || this.#seen < total) {
      const limit = Math.min(REJECTIONS_PER_MESSAGE, total - this.#seen);
      const page =
        limit <= 0
          ? { rejections: [], last: this.#seen }
          : await rejectionsAfter(queries, this.#jobId, this.#seen, limit, this.#call.signal);
      this.#told = state;
      this.#seen = page.last;
      const value = { job: jobMessage(job), rejections: page.rejections.map(rejectionMessage) };
      yield this.#with({ $case: "progress", value });
    }
  }

  heartbeat(serverTime: Date): WatchBulkJobResponse {
    return this.#with({ $case: "heartbeat", value: { serverTime } });
  }

  #with(event: WatchBulkJobResponse["event"]): WatchBulkJobResponse {
    const resumeToken = this.#needs.tokens.seal(this.#use, String(this.#seen));
    this.#call.resumeToken = resumeToken;
    return { event, resumeToken };
  }
}

function fingerprint(job: BulkJob): string {
  const { state, acceptedCount, rejectedCount, succeededCount, failedCount, nextPosition } = job;
  return [state, acceptedCount, rejectedCount, succeededCount, failedCount, nextPosition].join();
}

/** Else the job is not there for the caller, so that it is not disclosed. */
function maySee({ ownerId }: BulkJob, call: Call, { access }: WatchNeeds): boolean {
  if (access.holds(call, READ_ORDERS)) return true;
  return ownerId !== undefined && call.principal?.userId === ownerId;
}
