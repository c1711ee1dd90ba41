// Ever more visitors until the shop cannot keep its promise: the run ends at the first threshold that is broken.
import { Client } from "k6/net/grpc";
import { visit } from "./lib/mix.ts";
import { connect, describe } from "./lib/shop.ts";

export const options = {
  scenarios: {
    breakpoint: {
      executor: "ramping-arrival-rate",
      startRate: 10,
      stages: [{ duration: __ENV.TIME ?? "2m", target: Number(__ENV.MOST ?? 1_000) }],
      preAllocatedVUs: 50,
      maxVUs: 500,
    },
  },
  summaryTrendStats: ["avg", "med", "p(95)", "p(99)", "max", "count"],
  thresholds: {
    grpc_req_duration: [{ threshold: "p(99)<1000", abortOnFail: true, delayAbortEval: "10s" }],
    checks: [{ threshold: "rate>0.98", abortOnFail: true, delayAbortEval: "10s" }],
    dropped_iterations: [{ threshold: "count<100", abortOnFail: true }],
  },
};

const client = describe(new Client());
const tracker = describe(new Client());

export default async function (): Promise<void> {
  connect(client);
  await visit(client, tracker);
}
