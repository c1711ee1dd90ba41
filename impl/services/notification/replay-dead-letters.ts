// ReplayDeadLetters: each id with its own outcome, all in one transaction.
import type { Call } from "#impl/runtime/call.ts";
import { failedPrecondition, notFound, type RpcError } from "#impl/runtime/rpc-error.ts";
import {
  type ReplayDeadLetterResult,
  ReplayDeadLettersRequest,
  ReplayDeadLettersResponse,
} from "#proto/ecommerce/v1/notification_service.ts";
import type { DeliverySignals } from "./delivery-signals.ts";
import { NOTIFICATION_TYPE, type Notification, NotificationState } from "./notification.ts";
import { notificationMessage } from "./notification-message.ts";
import type { NotificationStore } from "./notification-store.ts";

export async function replayDeadLetters(
  store: NotificationStore,
  signals: DeliverySignals,
  request: ReplayDeadLettersRequest,
  call: Call,
): Promise<ReplayDeadLettersResponse> {
  const { requestId, notificationIds } = request;
  const content = ReplayDeadLettersRequest.encode({ ...request, requestId: "" }).finish();
  const once = { call, requestId, content, response: ReplayDeadLettersResponse };
  const response = await store.writeOnce(once, async ({ notifications }) => {
    const found = byId(await notifications.lockAll(notificationIds));
    const dead = [...found.values()].filter(isDead).map(({ notificationId }) => notificationId);
    const queued = byId(dead.length === 0 ? [] : await notifications.requeue(dead));
    return { results: notificationIds.map((id) => resultOf(id, found, queued, call)) };
  });
  for (const { result } of response.results) {
    if (result?.$case === "notification") signals.wake(result.value.channel);
  }
  return response;
}

function isDead({ state }: Notification): boolean {
  return state === NotificationState.NOTIFICATION_STATE_DEAD;
}

function byId(notifications: readonly Notification[]): ReadonlyMap<string, Notification> {
  return new Map(notifications.map((notification) => [notification.notificationId, notification]));
}

function resultOf(
  notificationId: string,
  found: ReadonlyMap<string, Notification>,
  queued: ReadonlyMap<string, Notification>,
  call: Call,
): ReplayDeadLetterResult {
  const id = notificationId.toLowerCase();
  const notification = queued.get(id);
  if (notification !== undefined) {
    return { notificationId, result: { $case: "notification", value: notificationMessage(notification) } };
  }
  const error = found.has(id) ? notDead(notificationId) : notFound(NOTIFICATION_TYPE, notificationId);
  // What a call for this one alone would end with.
  const { code, message, details } = call.environment.boundary(error);
  return { notificationId, result: { $case: "error", value: { code, message, details: [...details] } } };
}

function notDead(notificationId: string): RpcError {
  return failedPrecondition("NOT_A_DEAD_LETTER", notificationId, "the notification is not a dead letter");
}
