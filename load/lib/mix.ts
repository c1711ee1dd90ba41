// A visitor as the shop has them: most look, many search, some buy, a few of those follow what they bought, and a few ask.
import type { Client } from "k6/net/grpc";
import { browse, chat, checkout, search, track } from "./visits.ts";

/** `tracker` is for the streams that are left before their end. */
export async function visit(client: Client, tracker: Client): Promise<void> {
  const mood = Math.random();
  if (mood < 0.6) return browse(client);
  if (mood < 0.85) return search(client);
  if (mood >= 0.98) {
    await chat(client, 2);
    return;
  }
  const orderId = await checkout(client);
  if (orderId !== undefined && Math.random() < 0.3) await track(tracker, orderId);
}

export const thresholds = {
  checks: ["rate>0.99"],
  "grpc_req_duration{method:GetProduct}": ["p(95)<150"],
  "grpc_req_duration{method:SearchProducts}": ["p(95)<300"],
  "grpc_req_duration{method:CreateOrder}": ["p(95)<500"],
};
