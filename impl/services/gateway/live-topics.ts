// The topics of LiveUpdates: for each the stream of the shop that it is, what that stream needs of the caller, and its messages in the
// words of LiveUpdates. The access of a topic is read from the policy of its stream's method.
import type { Metadata } from "@grpc/grpc-js";
import type { CallOptions } from "#impl/client/client.ts";
import type { Call } from "#impl/runtime/call.ts";
import type { Method } from "#impl/runtime/method.ts";
import { RpcError } from "#impl/runtime/rpc-error.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import { Code } from "#impl/runtime/status.ts";
import type { LiveUpdatesResponse, SubscribeLive } from "#proto/ecommerce/v1/gateway.ts";
import type { SubscriptionContext } from "../shared/subscription-stream.ts";
import { toCaller } from "./callee-status.ts";
import type { CallerAccess } from "./caller-access.ts";
import type { GatewayClients } from "./gateway-service.ts";
import { type OrderUpdateNeeds, orderUpdateMessages } from "./order-updates.ts";
import { resumedTopic } from "./resumed-topic.ts";

export type LiveEvent = NonNullable<LiveUpdatesResponse["event"]>;

export interface LiveMessage {
  /** Undefined where the topic begins, and for a sign of life of its stream. */
  readonly event: LiveEvent | undefined;
  readonly resumeToken: string;
}

export interface LiveTopics {
  /** The messages of the subscription's topic: the first says where it begins. Throws what the caller is refused with. */
  open(request: SubscribeLive, call: Call, context: SubscriptionContext): AsyncIterable<LiveMessage>;
}

export interface LiveTopicNeeds extends GatewayClients {
  readonly schema: Schema;
  readonly access: CallerAccess;
  readonly updates: OrderUpdateNeeds;
}

type Topic = NonNullable<SubscribeLive["topic"]>;

const METHODS: Readonly<Record<Topic["$case"], string>> = {
  products: "/ecommerce.v1.ProductService/StreamProductUpdates",
  orders: "/ecommerce.v1.GatewayService/StreamOrderUpdates",
  notifications: "/ecommerce.v1.NotificationService/StreamNotifications",
  stock: "/ecommerce.v1.InventoryService/WatchStock",
  payments: "/ecommerce.v1.PaymentService/WatchPayments",
  metrics: "/ecommerce.v1.AnalyticsService/StreamMetrics",
};

const TO_CALLER: ReadonlySet<Code> = new Set([
  Code.INVALID_ARGUMENT,
  Code.NOT_FOUND,
  Code.UNAUTHENTICATED,
  Code.PERMISSION_DENIED,
  Code.RESOURCE_EXHAUSTED,
  Code.OUT_OF_RANGE,
]);
const RESUME_TOKEN = "resume-token";

export function liveTopics(needs: LiveTopicNeeds): LiveTopics {
  const methods = new Map(
    Object.entries(METHODS).map(([topic, path]) => [topic, methodOf(needs.schema, path)]),
  );
  return {
    async *open({ topic, resumeToken }, call, context) {
      const method = topic && methods.get(topic.$case);
      if (topic === undefined || method === undefined) throw new TypeError("a topic came past its rules");
      needs.access.require(call.principal, method, ownerOf(topic, method));
      if (topic.$case === "orders") {
        const { clock } = call.environment;
        const request = { ...topic.value, resumeToken };
        const messages = orderUpdateMessages(needs.updates, request, call, { clock, ...context });
        for await (const { event, resumeToken: token } of messages) {
          yield {
            event: event?.$case === "update" ? { $case: "order", value: event.value } : undefined,
            resumeToken: token,
          };
        }
        return;
      }
      const options = { parent: call, signal: context.signal };
      const open = (token: string) =>
        withBeginning((more) => streamOf(needs, topic, token, { ...options, ...more }));
      try {
        yield* resumedTopic(open, resumeToken, call.environment.clock, context.signal);
      } catch (error) {
        throw toCaller(error, TO_CALLER);
      }
    },
  };
}

function methodOf(schema: Schema, path: string): Method {
  const method = schema.methods.get(path);
  if (method === undefined) throw new Error(`${path} is not in the schema`);
  return method;
}

/** What the owner field of the topic's method holds. */
function ownerOf(topic: Topic, { policy: { access } }: Method): string {
  const owner = access.kind === "permissions" ? access.owner : undefined;
  if (owner === undefined || owner === "resource") return "";
  if (owner.requestField !== "user_id") throw new Error(`a topic cannot be owned by ${owner.requestField}`);
  return "userId" in topic.value ? topic.value.userId : "";
}

type TopicOfService = Exclude<Topic, { $case: "orders" }>;

function streamOf(
  needs: GatewayClients,
  topic: TopicOfService,
  resumeToken: string,
  options: CallOptions,
): AsyncGenerator<LiveMessage> {
  // Resume tokens and heartbeats inside are ignored.
  const own = { resumeToken, heartbeatInterval: undefined };
  switch (topic.$case) {
    case "products":
      return told(
        needs.products.streamProductUpdates({ ...own, filter: topic.value, maxUpdatesPerSecond: 0 }, options),
        ({ event }) => event?.$case === "update" && { $case: "product", value: event.value },
      );
    case "notifications":
      return told(
        needs.notifications.streamNotifications({ ...topic.value, ...own }, options),
        ({ event }) => event?.$case === "notification" && event,
      );
    case "stock":
      return told(
        needs.inventory.watchStock({ ...topic.value, ...own }, options),
        ({ event }) => event?.$case === "update" && { $case: "stock", value: event.value },
      );
    case "payments":
      return told(
        needs.payments.watchPayments({ ...topic.value, ...own }, options),
        ({ event }) => event?.$case === "update" && { $case: "payment", value: event.value },
      );
    case "metrics":
      return told(
        needs.analytics.streamMetrics({ ...topic.value, ...own }, options),
        ({ event }) => event?.$case === "window" && { $case: "metrics", value: event.value },
      );
  }
}

async function* told<M extends { readonly resumeToken: string }>(
  stream: AsyncIterable<M>,
  event: (message: M) => LiveEvent | false,
): AsyncGenerator<LiveMessage> {
  for await (const message of stream) {
    yield { event: event(message) || undefined, resumeToken: message.resumeToken };
  }
  throw new RpcError({
    code: Code.UNAVAILABLE,
    reason: "STREAM_ENDED",
    message: "the stream of the topic has ended; it can be resumed",
  });
}

/** First where the stream begins, which its service tells before there is anything to tell. */
async function* withBeginning(open: (options: CallOptions) => AsyncGenerator<LiveMessage>) {
  const begun = Promise.withResolvers<string>();
  const messages = open({ onHeaders: (headers: Metadata) => begun.resolve(tokenOf(headers)) });
  const first = messages.next();
  // Where there are no headers the first message fails.
  first.catch(begun.reject);
  try {
    yield { event: undefined, resumeToken: await begun.promise };
    for (let next = await first; next.done !== true; next = await messages.next()) yield next.value;
  } finally {
    await messages.return(undefined);
  }
}

function tokenOf(headers: Metadata): string {
  const [token] = headers.get(RESUME_TOKEN);
  return typeof token === "string" ? token : "";
}
