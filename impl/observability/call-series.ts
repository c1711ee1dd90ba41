// What is counted of the calls of one method. The numbers are plain fields, so that a call costs no label lookup; metric-views.ts
// gives them their names and labels when somebody asks.
import type { Call } from "#impl/runtime/call.ts";
import type { Method } from "#impl/runtime/method.ts";
import type { Status } from "#impl/runtime/status.ts";
import { Distribution } from "./distribution.ts";
import { A66_LATENCY_BOUNDS, A66_SIZE_BOUNDS, REQUEST_DURATION_BOUNDS } from "./names.ts";

/** Both vocabularies' bounds in one, so that one search serves two histograms. */
const LATENCY_BOUNDS = Float64Array.from(new Set([...A66_LATENCY_BOUNDS, ...REQUEST_DURATION_BOUNDS])).sort();
const SIZE_BOUNDS = Float64Array.from(A66_SIZE_BOUNDS);

/** Calls of one method that ended with one code. */
export class CodeSeries {
  /** Seconds. */
  readonly duration = new Distribution(LATENCY_BOUNDS);
  /** Payload bytes sent, after compression. */
  readonly sent = new Distribution(SIZE_BOUNDS);
  /** Payload bytes received, after decompression: the transport does not tell the size before. */
  readonly received = new Distribution(SIZE_BOUNDS);
}

export class CallSeries {
  readonly method: Method;
  started = 0;
  finished = 0;
  /** By code; made when a call first ends with it. */
  readonly byCode: Array<CodeSeries | undefined> = [];
  /** Made once, so that observing a call makes no closure. */
  readonly onFinish = (call: Call, status: Status): void => this.#finish(call, status);

  constructor(method: Method) {
    this.method = method;
  }

  #finish(call: Call, status: Status): void {
    let series = this.byCode[status.code];
    if (series === undefined) {
      series = new CodeSeries();
      this.byCode[status.code] = series;
    }
    this.finished += 1;
    series.duration.observe((call.environment.clock.monotonic() - call.startedAt) / 1_000);
    series.sent.observe(call.sentBytes);
    series.received.observe(call.receivedBytes);
  }
}
