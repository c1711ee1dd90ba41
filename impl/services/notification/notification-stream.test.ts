import { expect, test } from "vitest";
import { failure, present } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import type { Notification } from "#proto/ecommerce/v1/notification.ts";
import {
  StreamNotificationsRequest,
  type StreamNotificationsResponse,
} from "#proto/ecommerce/v1/notification_service.ts";
import { createInAppDelivery } from "./in-app-delivery.ts";
import { NotificationCategory, NotificationChannel, NotificationState } from "./notification.ts";
import { as, startNotifications } from "./testing/notification-fixture.ts";

const fixture = await startNotifications();
const { client, send, becomes, pass, clock } = fixture;
const { NOTIFICATION_CHANNEL_IN_APP: channel } = NotificationChannel;
const { NOTIFICATION_CATEGORY_SUPPORT: support, NOTIFICATION_CATEGORY_ACCOUNT: account } =
  NotificationCategory;
const { NOTIFICATION_STATE_DELIVERED: DELIVERED } = NotificationState;
fixture.deliver();

/** An open stream, read one notification at a time. */
function open(userId: string, request: Partial<StreamNotificationsRequest> = {}) {
  const cancel = new AbortController();
  const full = StreamNotificationsRequest.fromPartial({ userId, ...request });
  const stream = client.streamNotifications(full, { ...as(userId), signal: cancel.signal });
  const iterator = stream[Symbol.asyncIterator]();
  return {
    async next(): Promise<StreamNotificationsResponse> {
      return (await iterator.next()).value;
    },
    close: () => cancel.abort(),
  };
}

function notificationOf({ event }: StreamNotificationsResponse): Notification {
  if (event?.$case !== "notification") throw new Error(`it is a ${event?.$case}`);
  return event.value;
}

test("a stream begins with what is unread, the oldest first, and goes on with what is delivered", async () => {
  const userId = newId();
  const [first, second, read] = [
    await send({ userId, channel }),
    await send({ userId, channel }),
    await send({ userId, channel }),
  ];
  for (const { notificationId } of [first, second, read]) await becomes(notificationId, DELIVERED);
  await client.markNotificationsRead({ userId, notificationIds: [read.notificationId] }, as(userId));
  const stream = open(userId);
  const unread = [notificationOf(await stream.next()), notificationOf(await stream.next())];
  expect(unread.map(({ notificationId }) => notificationId)).toEqual([
    first.notificationId,
    second.notificationId,
  ]);
  const third = await send({ userId, channel });
  expect(notificationOf(await stream.next())).toMatchObject({
    notificationId: third.notificationId,
    state: DELIVERED,
    attemptCount: 1,
    deliverTime: new Date(clock.now()),
  });
  stream.close();
});

test("a stream that is resumed goes on after its last message, with no gap and no repeat", async () => {
  const userId = newId();
  const deliver = async (): Promise<string> => {
    const { notificationId } = await send({ userId, channel });
    await becomes(notificationId, DELIVERED);
    return notificationId;
  };
  const first = await deliver();
  const stream = open(userId);
  const { resumeToken, event } = await stream.next();
  expect(event).toMatchObject({ value: { notificationId: first } });
  const others = [await deliver(), await deliver()];
  stream.close();
  const resumed = open(userId, { resumeToken });
  const after = [notificationOf(await resumed.next()), notificationOf(await resumed.next())];
  expect(after.map(({ notificationId }) => notificationId)).toEqual(others);
  resumed.close();
  const elsewhere = open(newId(), { resumeToken });
  expect((await failure(elsewhere.next())).code).toBe(Code.INVALID_ARGUMENT);
});

test("what is read in one window is told in the other", async () => {
  const userId = newId();
  const { notificationId } = await send({ userId, channel });
  await becomes(notificationId, DELIVERED);
  const stream = open(userId);
  expect(notificationOf(await stream.next()).readTime).toBeUndefined();
  await client.markNotificationsRead({ userId, notificationIds: [notificationId] }, as(userId));
  expect(notificationOf(await stream.next())).toMatchObject({
    notificationId,
    readTime: new Date(clock.now()),
  });
  stream.close();
});

test("a stream of some categories has no others, and nobody else's", async () => {
  const userId = newId();
  const stream = open(userId, { categories: [support] });
  await send({ userId: newId(), channel, category: support });
  await send({ userId, channel });
  const wanted = await send({ userId, channel, category: support });
  expect(notificationOf(await stream.next()).notificationId).toBe(wanted.notificationId);
  stream.close();
});

test("in the quiet time nothing but ACCOUNT is delivered, and the rest when it ends", async () => {
  const userId = newId();
  const minute = Math.floor(clock.now() / 60_000) % 1_440;
  const preferences = {
    userId,
    categories: [],
    quietStartMinute: minute,
    quietEndMinute: (minute + 60) % 1_440,
    timeZone: "",
    etag: "",
  };
  await client.updatePreferences({ preferences, updateMask: undefined }, as(userId));
  const waiting = await send({ userId, channel });
  const end = (Math.floor(clock.now() / 60_000) + 60) * 60_000;
  expect(waiting.nextAttemptTime?.getTime()).toBe(end);
  const urgent = await send({ userId, channel, category: account });
  await becomes(urgent.notificationId, DELIVERED);
  const stream = open(userId);
  expect(notificationOf(await stream.next()).notificationId).toBe(urgent.notificationId);
  pass(end - clock.now());
  expect(notificationOf(await stream.next()).notificationId).toBe(waiting.notificationId);
  stream.close();
});

test("what is muted while it waits is suppressed", async () => {
  const userId = newId();
  const minute = Math.floor(clock.now() / 60_000) % 1_440;
  const quiet = { quietStartMinute: minute, quietEndMinute: (minute + 60) % 1_440, timeZone: "", etag: "" };
  const update = (preferences: Parameters<typeof client.updatePreferences>[0]["preferences"]) =>
    client.updatePreferences({ preferences, updateMask: undefined }, as(userId));
  await update({ userId, categories: [], ...quiet });
  const { notificationId } = await send({ userId, channel, category: support });
  await update({ userId, categories: [{ category: support, channels: [] }], timeZone: "", etag: "" });
  pass(3_600_000);
  const suppressed = await becomes(notificationId, NotificationState.NOTIFICATION_STATE_SUPPRESSED);
  expect(present(suppressed).attemptCount).toBe(0);
});

test("workers at once deliver each notification once", async () => {
  const userId = newId();
  const minute = Math.floor(clock.now() / 60_000) % 1_440;
  const quiet = { quietStartMinute: minute, quietEndMinute: (minute + 60) % 1_440, timeZone: "", etag: "" };
  await client.updatePreferences(
    { preferences: { userId, categories: [], ...quiet }, updateMask: undefined },
    as(userId),
  );
  const stream = open(userId);
  const ids: string[] = [];
  for (let index = 0; index < 20; index++) ids.push((await send({ userId, channel })).notificationId);
  const step = createInAppDelivery(fixture);
  clock.advance(3_600_000);
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 4 }, () => step(signal)));
  const last = await send({ userId, channel });
  fixture.signals.wake(channel);
  const told: string[] = [];
  do told.push(notificationOf(await stream.next()).notificationId);
  while (told.at(-1) !== last.notificationId);
  expect(told.slice(0, -1).toSorted()).toEqual(ids.toSorted());
  stream.close();
});

test("another user's stream is refused", async () => {
  const stream = client.streamNotifications(
    StreamNotificationsRequest.fromPartial({ userId: newId() }),
    as(newId()),
  );
  expect((await failure(stream[Symbol.asyncIterator]().next())).code).toBe(Code.PERMISSION_DENIED);
});
