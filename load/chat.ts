// Customers who talk with support: a stream each, both ways.

import { Rate } from "k6/metrics";
import { Client } from "k6/net/grpc";
import { connect, describe, TIME } from "./lib/shop.ts";
import { chat } from "./lib/visits.ts";

const SENTENCES = 5;
const stored = new Rate("chats_stored");

export const options = {
  scenarios: {
    chat: {
      executor: "ramping-vus",
      startVUs: 1,
      stages: [{ duration: TIME, target: 15 }],
      gracefulRampDown: "10s",
    },
  },
  summaryTrendStats: ["avg", "med", "p(95)", "p(99)", "max", "count"],
  thresholds: {
    chats_stored: ["rate>0.99"],
    "grpc_req_duration{method:CreateRoom}": ["p(95)<300"],
    "grpc_req_duration{kind:stream}": ["p(95)<5000"],
  },
};

const client = describe(new Client());

export default async function (): Promise<void> {
  connect(client);
  stored.add((await chat(client, SENTENCES)) === SENTENCES);
}
