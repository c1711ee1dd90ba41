// A day of the shop in a short time: the rate of visits follows the hours of the real trace, or of a made-up day.
import { Client } from "k6/net/grpc";
import { thresholds, visit } from "./lib/mix.ts";
import { connect, describe, shop } from "./lib/shop.ts";

const PEAK = Number(__ENV.PEAK ?? 60);
const HOUR = __ENV.HOUR ?? "2s";

const busiest = shop.hours.reduce((most, orders) => Math.max(most, orders), 1);
// A shop is never quite empty.
const rates = shop.hours.map((orders) => Math.max(2, Math.round((PEAK * orders) / busiest)));

export const options = {
  scenarios: {
    day: {
      executor: "ramping-arrival-rate",
      startRate: rates[0] ?? 2,
      stages: rates.map((target) => ({ duration: HOUR, target })),
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
