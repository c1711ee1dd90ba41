// Customers who buy.

import { Rate } from "k6/metrics";
import { Client } from "k6/net/grpc";
import { connect, describe, TIME } from "./lib/shop.ts";
import { checkout } from "./lib/visits.ts";

const taken = new Rate("orders_taken");

export const options = {
  scenarios: {
    checkout: {
      executor: "constant-arrival-rate",
      rate: 15,
      duration: TIME,
      preAllocatedVUs: 20,
      maxVUs: 100,
    },
  },
  summaryTrendStats: ["avg", "med", "p(95)", "p(99)", "max", "count"],
  thresholds: {
    orders_taken: ["rate>0.99"],
    "grpc_req_duration{method:CreateOrder}": ["p(95)<300", "p(99)<800"],
  },
};

const client = describe(new Client());

export default async function (): Promise<void> {
  connect(client);
  taken.add((await checkout(client)) !== undefined);
}
