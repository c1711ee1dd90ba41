// Ten times the visitors within seconds, and back: what matters is that the shop is itself again afterwards.
import { Client } from "k6/net/grpc";
import { connect, describe } from "./lib/shop.ts";
import { browse, search } from "./lib/visits.ts";

const BASE = Number(__ENV.BASE ?? 15);
const AFTER = { executor: "constant-arrival-rate", rate: BASE, preAllocatedVUs: 10, maxVUs: 50 };

export const options = {
  scenarios: {
    before: { ...AFTER, duration: "5s" },
    spike: {
      executor: "ramping-arrival-rate",
      startTime: "5s",
      startRate: BASE,
      stages: [
        { duration: "2s", target: BASE * 10 },
        { duration: "5s", target: BASE * 10 },
        { duration: "1s", target: BASE },
      ],
      preAllocatedVUs: 50,
      maxVUs: 300,
    },
    after: { ...AFTER, startTime: "14s", duration: "6s" },
  },
  summaryTrendStats: ["avg", "med", "p(95)", "p(99)", "max", "count"],
  thresholds: {
    "grpc_req_duration{scenario:after}": ["p(95)<200"],
    "checks{scenario:after}": ["rate>0.99"],
  },
};

const client = describe(new Client());

export default async function (): Promise<void> {
  connect(client);
  if (Math.random() < 0.7) await browse(client);
  else await search(client);
}
