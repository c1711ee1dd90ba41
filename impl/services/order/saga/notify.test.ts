import { expect, test } from "vitest";
import { newId } from "#impl/runtime/ids.ts";
import { type LogLine, recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { startNotifications } from "#impl/services/notification/testing/notification-fixture.ts";
import { NotificationChannel } from "#proto/ecommerce/v1/notification.ts";
import { ListNotificationsRequest } from "#proto/ecommerce/v1/notification_service.ts";
import { type Order, OrderStatus } from "../order.ts";
import { createNotices, NOTICE_EVENTS } from "./notify.ts";
import type { SagaTask } from "./saga.ts";

const { client } = await startNotifications();
const logged: LogLine[] = [];
const sender = {
  metadata: { "test-user": newId(), "test-permissions": "notifications.send,notifications.read" },
};
const notices = createNotices({
  notifications: {
    sendNotification: (request, options) => client.sendNotification(request, { ...options, ...sender }),
  },
  channels: [NotificationChannel.NOTIFICATION_CHANNEL_IN_APP],
  maxAttempts: 1,
  log: recordingLogger(logged),
});

test.each(NOTICE_EVENTS)("%s has a template, and the order fills every place in it", async (event) => {
  const task = taskOf(newId());
  await notices.tell(task, event, AbortSignal.timeout(5_000));
  await notices.tell(task, event, AbortSignal.timeout(5_000));
  expect(logged).toEqual([]);
  const request = ListNotificationsRequest.fromPartial({ userId: task.order.userId ?? "" });
  const { notifications } = await client.listNotifications(request, sender);
  expect(notifications.map(({ eventType }) => eventType)).toEqual([event]);
});

/** An order of this user, as far as its notices look at it. */
function taskOf(userId: string): SagaTask {
  const order = {
    orderId: newId(),
    userId,
    guest: undefined,
    reference: "",
    status: OrderStatus.ORDER_STATUS_PROCESSING,
    currency: "GBP",
    totals: { totalMinor: 1_250n },
    refundedMinor: 0n,
    shipments: [],
    failure: undefined,
  };
  // A whole order has thirty fields more, which no notice reads.
  return { order: order as unknown as Order, saga: { sagaId: newId(), attempts: 0 } } as unknown as SagaTask;
}
