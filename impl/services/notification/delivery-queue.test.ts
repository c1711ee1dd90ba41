import { expect, test } from "vitest";
import { newId } from "#impl/runtime/ids.ts";
import { recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { settled, until } from "#impl/runtime/testing/turns.ts";
import { exponentialBackoff } from "./backoff.ts";
import { startChannelWorker } from "./channel-worker.ts";
import { createDeliveryQueue } from "./delivery-queue.ts";
import { createDeliverySignals } from "./delivery-signals.ts";
import { NotificationChannel, NotificationState } from "./notification.ts";
import { startMailServer } from "./testing/mail-server.ts";
import { confirmation, sender, startNotifications } from "./testing/notification-fixture.ts";

const { NOTIFICATION_CHANNEL_EMAIL: email } = NotificationChannel;
const {
  NOTIFICATION_STATE_DELIVERED: DELIVERED,
  NOTIFICATION_STATE_DEAD: DEAD,
  NOTIFICATION_STATE_SENDING: SENDING,
} = NotificationState;

const server = await startMailServer();
const { client, send, becomes, deliver, pass, clock, database } = await startNotifications();
const queue = createDeliveryQueue(database, clock);
const smtp = { smtpUrl: server.url, from: "shop@example.com" };
const LEASE_MS = 60_000;

/** Longer than any test moves time, so that moving it ends no attempt. */
const PATIENT = { emailTimeoutMs: 365 * 86_400_000 };

/** The workers of a process that is not told what another one queued. */
function anotherProcess() {
  const signals = createDeliverySignals(clock);
  return { ...deliver({ email: smtp, signals, limits: PATIENT }), look: () => signals.wake(email) };
}

test("two processes at once send each of many notifications once", async () => {
  const workers = [anotherProcess(), anotherProcess()];
  const before = server.mails.length;
  const ids = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const { notificationId } = await send({ email: `guest${index}@example.com` });
      return notificationId;
    }),
  );
  // Nobody tells the workers: they find it when time moves on.
  await until(() => {
    clock.advance(1_000);
    return server.mails.length >= before + 40;
  });
  for (const id of ids) expect(await becomes(id, DELIVERED)).toMatchObject({ attemptCount: 1 });
  const receivers = server.mails.slice(before).map(({ to }) => to[0]);
  expect(receivers.length).toBe(40);
  expect(new Set(receivers).size).toBe(40);
  await Promise.all(workers.map((worker) => worker.stop()));
});

test("what a process that died was sending is sent by another when the lease has ended, and not before", async () => {
  const { notificationId } = await send({});
  const [claimed] = await queue.claim(email, 1, LEASE_MS);
  expect(claimed?.notification).toMatchObject({ notificationId, state: SENDING, attemptCount: 1 });
  const before = server.mails.length;
  const worker = anotherProcess();
  clock.advance(LEASE_MS - 1);
  worker.look();
  await settled(() => server.mails.length);
  expect(server.mails.length).toBe(before);
  clock.advance(1);
  worker.look();
  expect(await becomes(notificationId, DELIVERED)).toMatchObject({ attemptCount: 2 });
  await worker.stop();
});

test("a worker whose lease has ended does not overwrite what the next one recorded", async () => {
  await send({});
  const [slow] = await queue.claim(email, 1, LEASE_MS);
  clock.advance(LEASE_MS);
  const [next] = await queue.claim(email, 1, LEASE_MS);
  expect(next?.notification.notificationId).toBe(slow?.notification.notificationId);
  if (slow === undefined || next === undefined) throw new Error("nothing was claimed");
  expect(await queue.settle(slow.notification, { kind: "delivered" })).toBe(false);
  const retry = { kind: "retry", at: new Date(clock.now()), error: "busy", endpointFailed: true } as const;
  expect(await queue.settle(next.notification, retry)).toBe(true);
  expect(await queue.settle(next.notification, { kind: "delivered" })).toBe(false);
  await queue.claim(email, 1, LEASE_MS);
});

test("a notification that ends every process that sends it becomes a dead letter", async () => {
  const { notificationId } = await send({});
  for (let deaths = 0; deaths < 16; deaths++) {
    const claimed = await queue.claim(email, 10, LEASE_MS);
    expect(claimed.map(({ notification }) => notification.notificationId)).toContain(notificationId);
    clock.advance(LEASE_MS);
  }
  const worker = deliver({ email: smtp });
  expect((await becomes(notificationId, DEAD)).lastError).toBe(
    "no attempt is left, and the last one never ended",
  );
  await worker.stop();
});

test("no more are tried at a time than the channel allows, and all are tried", async () => {
  const ids = await Promise.all(Array.from({ length: 8 }, async () => (await send({})).notificationId));
  let running = 0;
  let most = 0;
  const log = recordingLogger([]);
  const signals = createDeliverySignals(clock);
  const gates: (() => void)[] = [];
  const worker = startChannelWorker({
    channel: email,
    queue,
    async send() {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => gates.push(resolve));
      running -= 1;
      return { kind: "delivered" };
    },
    retry: exponentialBackoff({ firstMs: 1, longestMs: 1, maxAttempts: 3, random: () => 0 }),
    concurrency: 3,
    timeoutMs: 30_000,
    stopGraceMs: 1_000,
    pollMs: 1_000,
    wakeUp: signals.of(email),
    clock,
    log,
  });
  await until(() => gates.length === 3);
  await settled(() => gates.length);
  for (let sent = 0; sent < ids.length; sent++) {
    await until(() => gates.length > 0);
    gates.shift()?.();
  }
  for (const id of ids) await becomes(id, DELIVERED);
  expect(most).toBe(3);
  await worker.stop();
});

test("a sender that fails in a way of its own is logged, and the notification tried again", async () => {
  const lines: Parameters<typeof recordingLogger>[0] = [];
  let attempts = 0;
  const signals = createDeliverySignals(clock);
  const worker = startChannelWorker({
    channel: email,
    queue,
    async send() {
      attempts += 1;
      if (attempts === 1) throw new TypeError("a defect");
      return { kind: "delivered" };
    },
    retry: exponentialBackoff({ firstMs: 1_000, longestMs: 1_000, maxAttempts: 3, random: () => 0 }),
    concurrency: 1,
    timeoutMs: 30_000,
    stopGraceMs: 1_000,
    pollMs: 1_000,
    wakeUp: signals.of(email),
    clock,
    log: recordingLogger(lines),
  });
  const { notificationId } = await send({});
  signals.wake(email);
  const retrying = await becomes(notificationId, NotificationState.NOTIFICATION_STATE_RETRYING);
  expect(retrying.lastError).toBe("an unexpected failure of the sender");
  expect(lines.map(({ level }) => level)).toContain("error");
  clock.advance(1_000);
  signals.wake(email);
  await becomes(notificationId, DELIVERED);
  await worker.stop();
});

test("without a mail server e-mails wait in the queue, and are sent by the process that has one", async () => {
  const without = deliver();
  const { notificationId } = await send({});
  pass(3_600_000);
  const inApp = await client.sendNotification(
    confirmation({ userId: newId(), channel: NotificationChannel.NOTIFICATION_CHANNEL_IN_APP }),
    sender,
  );
  await becomes(inApp.notifications[0]?.notificationId ?? "", DELIVERED);
  await becomes(notificationId, NotificationState.NOTIFICATION_STATE_QUEUED);
  const worker = anotherProcess();
  expect(await becomes(notificationId, DELIVERED)).toMatchObject({ attemptCount: 1 });
  await Promise.all([without.stop(), worker.stop()]);
});
