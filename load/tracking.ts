// Customers who buy and follow their order until it has been processed: a stream each.

import { Rate, Trend } from "k6/metrics";
import { Client } from "k6/net/grpc";
import { connect, describe, TIME } from "./lib/shop.ts";
import { checkout, track } from "./lib/visits.ts";

const followed = new Rate("orders_followed");
const processing = new Trend("order_processing", true);

export const options = {
  scenarios: {
    tracking: {
      executor: "constant-arrival-rate",
      rate: 10,
      duration: TIME,
      preAllocatedVUs: 20,
      maxVUs: 200,
    },
  },
  summaryTrendStats: ["avg", "med", "p(95)", "p(99)", "max", "count"],
  thresholds: {
    orders_followed: ["rate>0.99"],
    order_processing: ["p(95)<3000"],
    "grpc_req_duration{method:CreateOrder}": ["p(95)<300"],
  },
};

const client = describe(new Client());
const tracker = describe(new Client());

export default async function (): Promise<void> {
  connect(client);
  const orderId = await checkout(client);
  if (orderId === undefined) return;
  const began = Date.now();
  followed.add((await track(tracker, orderId)) > 0);
  processing.add(Date.now() - began);
}
