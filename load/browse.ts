// Visitors who look at products, a steady number of them a second.
import { Client } from "k6/net/grpc";
import { connect, describe, TIME } from "./lib/shop.ts";
import { browse } from "./lib/visits.ts";

export const options = {
  scenarios: {
    browse: {
      executor: "constant-arrival-rate",
      rate: 100,
      duration: TIME,
      preAllocatedVUs: 20,
      maxVUs: 100,
    },
  },
  summaryTrendStats: ["avg", "med", "p(95)", "p(99)", "max", "count"],
  thresholds: {
    checks: ["rate>0.99"],
    dropped_iterations: ["count<10"],
    "grpc_req_duration{method:GetProduct}": ["p(95)<100", "p(99)<250"],
  },
};

const client = describe(new Client());

export default async function (): Promise<void> {
  connect(client);
  await browse(client);
}
