import { expect, test } from "vitest";
import { until } from "#impl/runtime/testing/turns.ts";
import { NotificationState } from "./notification.ts";
import { startMailServer } from "./testing/mail-server.ts";
import { manager, startNotifications } from "./testing/notification-fixture.ts";

const {
  NOTIFICATION_STATE_DELIVERED: DELIVERED,
  NOTIFICATION_STATE_DEAD: DEAD,
  NOTIFICATION_STATE_RETRYING: RETRYING,
} = NotificationState;

const { client, send, becomes, deliver, pass, register, clock, log } = await startNotifications();
const server = await startMailServer();
const email = { smtpUrl: server.url, from: "Shop <shop@example.com>" };
const limits = {
  emailAttempts: 3,
  emailFirstRetryMs: 60_000,
  emailLongestRetryMs: 60_000,
  stopGraceMs: 5_000,
};
let worker = deliver({ email, limits });

/** The mail that was received last, after `work`. */
async function mailOf<T>(work: () => Promise<T>): Promise<string> {
  const before = server.mails.length;
  await work();
  await server.received(before + 1);
  return server.mails.at(-1)?.content ?? "";
}

test("an e-mail arrives with its text, an HTML part in which values are escaped, and an id of its own", async () => {
  const { notificationId } = await send({ variables: { order_id: "A<1>", total: "GBP 1 & more" } });
  const delivered = await becomes(notificationId, DELIVERED);
  const mail = server.mails.at(-1);
  expect(mail).toMatchObject({ from: "shop@example.com", to: ["guest@example.com"] });
  expect(mail?.content).toContain("Subject: Your order A<1> is confirmed");
  expect(mail?.content).toContain(`Message-ID: <${notificationId}@example.com>`);
  expect(mail?.content).toContain("Auto-Submitted: auto-generated");
  expect(mail?.content).toContain("Order A<1> is confirmed. Its total is GBP 1 & more.");
  expect(mail?.content).toContain("<p>Order A&lt;1&gt; is confirmed. Its total is GBP 1 &amp; more.");
  expect(delivered).toMatchObject({ attemptCount: 1, lastError: "", nextAttemptTime: undefined });
  expect(delivered.deliverTime?.getTime()).toBe(clock.now());
});

test("a user's e-mail goes to the address that the user has now", async () => {
  const userId = await register("ada@example.com");
  const mail = await mailOf(() => send({ userId }));
  expect(mail).toContain("To: ada@example.com");
});

test("a passing refusal is tried again with the same message id, and its address stays out of the error", async () => {
  server.refuse("RCPT", 451);
  const before = server.mails.length;
  const { notificationId } = await send({});
  const retrying = await becomes(notificationId, RETRYING);
  expect(retrying.lastError).toBe("the mail server answered 451 to RCPT TO");
  const delayMs = (retrying.nextAttemptTime?.getTime() ?? 0) - clock.now();
  expect(delayMs).toBeGreaterThanOrEqual(30_000);
  expect(delayMs).toBeLessThanOrEqual(60_000);
  expect(server.mails.length).toBe(before);
  pass(60_000);
  expect(await becomes(notificationId, DELIVERED)).toMatchObject({ attemptCount: 2, lastError: "" });
  expect(server.mails.at(-1)?.content).toContain(`Message-ID: <${notificationId}@example.com>`);
});

test("a connection that breaks before the mail is acknowledged makes a repeat with the same message id", async () => {
  server.cut(1);
  const before = server.mails.length;
  const { notificationId } = await send({});
  expect((await becomes(notificationId, RETRYING)).lastError).toMatch(
    /^the e-mail could not be handed over: E/,
  );
  pass(60_000);
  await becomes(notificationId, DELIVERED);
  const id = `Message-ID: <${notificationId}@example.com>`;
  expect(server.mails.slice(before).map(({ content }) => content.includes(id))).toEqual([true, true]);
});

test.each([
  ["RCPT", 550],
  ["DATA", 554],
] as const)("a refusal for good at %s is a dead letter at once", async (command, code) => {
  server.refuse(command, code);
  const { notificationId } = await send({});
  const dead = await becomes(notificationId, DEAD);
  expect(dead).toMatchObject({ attemptCount: 1, nextAttemptTime: undefined });
  expect(dead.lastError).toContain(`the mail server answered ${code} to ${command}`);
});

test("attempts end, and a replay counts them from 0", async () => {
  server.refuse("DATA", 452, 3);
  const { notificationId } = await send({});
  for (const attempts of [1, 2]) {
    await becomes(notificationId, RETRYING, attempts);
    pass(60_000);
  }
  expect(await becomes(notificationId, DEAD)).toMatchObject({ attemptCount: 3 });
  expect(log.at(-1)).toMatchObject({
    level: "warn",
    message: "a notification became a dead letter",
    fields: { notification_id: notificationId },
  });
  const { results } = await client.replayDeadLetters(
    { notificationIds: [notificationId], requestId: "" },
    manager,
  );
  expect(results[0]?.result).toMatchObject({
    $case: "notification",
    value: { attemptCount: 0, lastError: "" },
  });
  expect(await becomes(notificationId, DELIVERED)).toMatchObject({ attemptCount: 1 });
});

test("a mail server that does not answer in time has failed", async () => {
  const release = server.hold();
  const before = server.mails.length;
  const { notificationId } = await send({});
  await server.received(before + 1);
  clock.advance(30_000);
  expect((await becomes(notificationId, RETRYING)).lastError).toBe("no answer within 30000 ms");
  release();
  pass(60_000);
  await becomes(notificationId, DELIVERED);
});

test("a worker that stops lets mail under way arrive", async () => {
  const release = server.hold();
  const before = server.mails.length;
  const { notificationId } = await send({});
  await server.received(before + 1);
  const stopped = worker.stop();
  release();
  await stopped;
  expect(await becomes(notificationId, DELIVERED)).toMatchObject({ attemptCount: 1 });
});

test("a worker that stops breaks off what takes too long, and another sends it", async () => {
  // Time may move on as it likes until the worker is out of patience with itself.
  worker = deliver({ email, limits: { ...limits, emailTimeoutMs: 365 * 86_400_000 } });
  const release = server.hold();
  const before = server.mails.length;
  const { notificationId } = await send({});
  await server.received(before + 1);
  let stopped = false;
  const stop = worker.stop().then(() => {
    stopped = true;
  });
  await until(() => {
    clock.advance(1_000);
    return stopped;
  });
  await stop;
  release();
  expect((await becomes(notificationId, RETRYING)).lastError).toBe("the process stopped");
  worker = deliver({ email, limits });
  pass(60_000);
  await becomes(notificationId, DELIVERED);
});

test("nothing that was logged names a receiver or says what a mail says", () => {
  expect(JSON.stringify(log)).not.toMatch(/@example\.com|A-17/);
});
