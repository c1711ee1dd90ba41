// Visitors who look for something.
import { Client } from "k6/net/grpc";
import { connect, describe, TIME } from "./lib/shop.ts";
import { search } from "./lib/visits.ts";

export const options = {
  scenarios: {
    search: { executor: "constant-arrival-rate", rate: 40, duration: TIME, preAllocatedVUs: 20, maxVUs: 100 },
  },
  summaryTrendStats: ["avg", "med", "p(95)", "p(99)", "max", "count"],
  thresholds: {
    checks: ["rate>0.99"],
    "grpc_req_duration{method:SearchProducts}": ["p(95)<200", "p(99)<500"],
  },
};

const client = describe(new Client());

export default async function (): Promise<void> {
  connect(client);
  await search(client);
}
