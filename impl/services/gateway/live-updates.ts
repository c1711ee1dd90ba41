// LiveUpdates: subscriptions to the topics of the shop over one stream.
import type { Call } from "#impl/runtime/call.ts";
import type { LiveUpdatesRequest, LiveUpdatesResponse, SubscribeLive } from "#proto/ecommerce/v1/gateway.ts";
import { type SubscriptionContext, subscriptionStream } from "../shared/subscription-stream.ts";
import type { LiveEvent, LiveMessage, LiveTopics } from "./live-topics.ts";

export function liveUpdates(
  requests: AsyncIterable<LiveUpdatesRequest>,
  topics: LiveTopics,
  call: Call,
): AsyncIterable<LiveUpdatesResponse> {
  return subscriptionStream<SubscribeLive, LiveEvent>(requests, {
    call,
    type: "ecommerce.v1.SubscribeLive",
    follow: (request, context) => begunFirst(topics, request, call, context),
  });
}

/** The first message of a topic, which says where it begins, is that the subscription has begun. */
async function* begunFirst(
  topics: LiveTopics,
  request: SubscribeLive,
  call: Call,
  context: SubscriptionContext,
): AsyncGenerator<LiveMessage> {
  let begun = false;
  for await (const { event, resumeToken } of topics.open(request, call, context)) {
    yield { event: begun ? event : { $case: "subscribed", value: {} }, resumeToken };
    begun = true;
  }
}
