// A long, even load, to be watched for what grows: TIME=1h make load SCRIPT=soak.
import { Client } from "k6/net/grpc";
import { thresholds, visit } from "./lib/mix.ts";
import { connect, describe } from "./lib/shop.ts";

export const options = {
  scenarios: {
    soak: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.RATE ?? 20),
      duration: __ENV.TIME ?? "10m",
      preAllocatedVUs: 30,
      maxVUs: 200,
    },
  },
  summaryTrendStats: ["avg", "med", "p(95)", "p(99)", "max", "count"],
  thresholds,
};

const client = describe(new Client());
const tracker = describe(new Client());

export default async function (): Promise<void> {
  connect(client);
  await visit(client, tracker);
}
