import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { failure, present } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { WebhookEndpoint } from "#proto/ecommerce/v1/notification.ts";
import { createSecretBox } from "../shared/secret-box.ts";
import { createAddressPolicy } from "./address-policy.ts";
import { ENDPOINT_PATIENCE_MS } from "./delivery-queue.ts";
import { NotificationChannel, NotificationState } from "./notification.ts";
import { as, confirmation, manager, sender, startNotifications } from "./testing/notification-fixture.ts";
import { ok, type Posted, startReceiver, status } from "./testing/webhook-receiver.ts";

const {
  NOTIFICATION_STATE_DELIVERED: DELIVERED,
  NOTIFICATION_STATE_DEAD: DEAD,
  NOTIFICATION_STATE_QUEUED: QUEUED,
  NOTIFICATION_STATE_RETRYING: RETRYING,
} = NotificationState;
const { NOTIFICATION_CHANNEL_WEBHOOK: channel } = NotificationChannel;

const receiver = await startReceiver();
const fixture = await startNotifications();
const { client, send, becomes, pass, clock } = fixture;
let worker = fixture.deliver();

/** A user with one endpoint that leads to the receiver. */
async function subscribe(changes: Partial<WebhookEndpoint> = {}) {
  const userId = newId();
  const endpoint = WebhookEndpoint.fromPartial({
    url: `https://127.0.0.1:${receiver.port}/hook`,
    ...changes,
  });
  const created = await client.createWebhookEndpoint({ userId, endpoint }, as(userId));
  const { endpointId } = present(created.endpoint);
  const look = async () => present((await client.getWebhookEndpoint({ endpointId }, as(userId))).endpoint);
  return { userId, endpointId, secret: created.secret, look };
}

async function nextPost(work: () => Promise<unknown>): Promise<Posted> {
  const before = receiver.posts.length;
  await work();
  await receiver.received(before + 1);
  return present(receiver.posts[before]);
}

function secondsAfter(time: Date | undefined): number {
  return ((time?.getTime() ?? 0) - clock.now()) / 1_000;
}

test("a post is what the Standard Webhooks library verifies, with the notification's id", async () => {
  const { userId, secret, look } = await subscribe();
  const { notificationId } = await send({ userId, channel, variables: { order_id: 'A"17', total: "1" } });
  const { headers, body, path } = present((await receiver.received(1))[0]);
  expect(path).toBe("/hook");
  expect(headers).toMatchObject({
    "webhook-id": notificationId,
    "content-type": "application/json; charset=utf-8",
  });
  expect(new Webhook(secret).verify(body, { ...headers })).toEqual({
    type: "order.confirmed",
    timestamp: new Date(clock.now()).toISOString(),
    data: { order_id: 'A"17', total: "1" },
  });
  const delivered = await becomes(notificationId, DELIVERED);
  expect(delivered).toMatchObject({ attemptCount: 1, body });
  expect((await look()).lastSuccessTime).toEqual(delivered.deliverTime);
});

test.each([500, 404, 302])(
  "an answer of %i is tried again by the schedule, with the same id",
  async (code) => {
    receiver.answer(status(code, { location: `https://127.0.0.1:${receiver.port}/elsewhere` }));
    const { userId, look } = await subscribe();
    const { notificationId } = await send({ userId, channel });
    const first = await becomes(notificationId, RETRYING);
    expect(first.lastError).toBe(`the receiver answered ${code}`);
    // 5 s, and up to a fifth longer.
    expect(secondsAfter(first.nextAttemptTime)).toBeCloseTo(5.5);
    expect((await look()).lastFailureTime?.getTime()).toBe(clock.now());
    pass(6_000);
    const second = await becomes(notificationId, RETRYING, 2);
    expect(secondsAfter(second.nextAttemptTime)).toBeCloseTo(330);
    receiver.answer(ok);
    pass(330_000);
    await becomes(notificationId, DELIVERED, 3);
    const ours = receiver.posts.filter(({ headers }) => headers["webhook-id"] === notificationId);
    expect(ours.map(({ path }) => path)).toEqual(["/hook", "/hook", "/hook"]);
    expect(new Set(ours.map(({ headers }) => headers["webhook-timestamp"])).size).toBe(3);
  },
);

test("a receiver that asks for more time gets it", async () => {
  receiver.answer(status(429, { "retry-after": "120" }));
  const { userId } = await subscribe();
  const { notificationId } = await send({ userId, channel });
  expect(secondsAfter((await becomes(notificationId, RETRYING)).nextAttemptTime)).toBe(120);
  receiver.answer(ok);
});

test("a connection that is reset is tried again", async () => {
  receiver.answer((_, request) => request.socket.destroy());
  const { userId } = await subscribe();
  const { notificationId } = await send({ userId, channel });
  expect((await becomes(notificationId, RETRYING)).lastError).toBe("no answer: ECONNRESET");
  receiver.answer(ok);
  pass(6_000);
  await becomes(notificationId, DELIVERED);
});

test("a receiver that does not answer in time has failed", async () => {
  receiver.answer(() => {});
  const { userId } = await subscribe();
  let notificationId = "";
  await nextPost(async () => {
    ({ notificationId } = await send({ userId, channel }));
  });
  clock.advance(15_000);
  expect((await becomes(notificationId, RETRYING)).lastError).toBe("no answer within 15000 ms");
  receiver.answer(ok);
});

test("a body that does not end is cut, and changes nothing", async () => {
  receiver.answer((response) => {
    response.writeHead(200);
    const more = (): void => {
      if (response.writable) response.write(Buffer.alloc(16 * 1024), more);
    };
    more();
  });
  const { userId } = await subscribe();
  const { notificationId } = await send({ userId, channel });
  await becomes(notificationId, DELIVERED);
  receiver.answer(ok);
});

test("410 Gone ends it: a dead letter, and the endpoint is disabled until its owner says otherwise", async () => {
  receiver.answer(status(410));
  const { userId, endpointId, look } = await subscribe();
  const { etag } = await look();
  const { notificationId } = await send({ userId, channel });
  expect(await becomes(notificationId, DEAD)).toMatchObject({
    attemptCount: 1,
    lastError: "the receiver answered 410",
  });
  const disabled = await look();
  expect(disabled.disabled).toBe(true);
  expect(disabled.etag).not.toBe(etag);
  const passedBy = await client.sendNotification(confirmation({ userId, channel }), sender);
  expect(passedBy.notifications).toEqual([]);

  receiver.answer(ok);
  await client.replayDeadLetters({ notificationIds: [notificationId], requestId: "" }, manager);
  expect((await becomes(notificationId, DEAD)).lastError).toBe("the endpoint is disabled");
  const endpoint = WebhookEndpoint.fromPartial({ endpointId });
  await client.updateWebhookEndpoint({ endpoint, updateMask: ["disabled"] }, as(userId));
  await client.replayDeadLetters({ notificationIds: [notificationId], requestId: "" }, manager);
  await becomes(notificationId, DELIVERED);
});

test("an endpoint of which every post fails for a week is disabled", async () => {
  receiver.answer(status(503));
  const { userId, look } = await subscribe();
  const { notificationId } = await send({ userId, channel });
  await becomes(notificationId, RETRYING);
  pass(6_000);
  await becomes(notificationId, RETRYING, 2);
  expect((await look()).disabled).toBe(false);
  pass(ENDPOINT_PATIENCE_MS);
  await becomes(notificationId, RETRYING, 3);
  expect((await look()).disabled).toBe(true);
  receiver.answer(ok);
});

test("after ten attempts in three days a notification is a dead letter", async () => {
  receiver.answer(status(500));
  const { userId } = await subscribe();
  const start = clock.now();
  const { notificationId } = await send({ userId, channel });
  for (let attempts = 1; attempts < 10; attempts++) {
    const { nextAttemptTime } = await becomes(notificationId, RETRYING, attempts);
    pass((nextAttemptTime?.getTime() ?? 0) - clock.now());
  }
  await becomes(notificationId, DEAD, 10);
  const hours = (clock.now() - start) / 3_600_000;
  expect(hours).toBeGreaterThan(75);
  expect(hours).toBeLessThan(91);
  receiver.answer(ok);
});

test("for the time of the overlap posts carry signatures by the old and the new secret", async () => {
  const { userId, endpointId, secret } = await subscribe();
  const overlap = { seconds: 3_600n, nanos: 0 };
  const rotated = await client.rotateWebhookSecret({ endpointId, overlap }, as(userId));
  const during = await nextPost(() => send({ userId, channel }));
  pass(3_600_000);
  const after = await nextPost(() => send({ userId, channel }));
  expect([during, after].map((post) => signers(post, [secret, rotated.secret]))).toEqual([
    [true, true],
    [false, true],
  ]);
  const next = await client.rotateWebhookSecret(
    { endpointId, overlap: { seconds: 0n, nanos: 0 } },
    as(userId),
  );
  const last = await nextPost(() => send({ userId, channel }));
  expect(signers(last, [secret, rotated.secret, next.secret])).toEqual([false, false, true]);
});

/** Whether the post has a signature by each secret, whatever the time is. */
function signers({ headers, body }: Posted, secrets: readonly string[]): boolean[] {
  const time = new Date(Number(headers["webhook-timestamp"]) * 1_000);
  const signatures = (headers["webhook-signature"] ?? "").split(" ");
  return secrets.map((secret) =>
    signatures.includes(new Webhook(secret).sign(headers["webhook-id"] ?? "", time, body)),
  );
}

test("every endpoint that takes the event gets it, and no other", async () => {
  const userId = newId();
  const add = async (path: string, eventTypes: string[]) => {
    const url = `https://127.0.0.1:${receiver.port}${path}`;
    await client.createWebhookEndpoint(
      { userId, endpoint: WebhookEndpoint.fromPartial({ url, eventTypes }) },
      as(userId),
    );
  };
  await add("/all", []);
  await add("/orders", ["order.*"]);
  await add("/payments", ["payment.failed"]);
  const before = receiver.posts.length;
  const { notifications } = await client.sendNotification(confirmation({ userId, channel }), sender);
  expect(notifications.map(({ destination }) => new URL(destination).pathname).sort()).toEqual([
    "/all",
    "/orders",
  ]);
  await receiver.received(before + 2);
  for (const { notificationId } of notifications) await becomes(notificationId, DELIVERED);
  expect(
    receiver.posts
      .slice(before)
      .map(({ path }) => path)
      .sort(),
  ).toEqual(["/all", "/orders"]);
});

test("a name that leads into a private network is refused when it is resolved, and never connected to", async () => {
  await worker.stop();
  worker = fixture.deliver({ addresses: createAddressPolicy([]) });
  const before = receiver.posts.length;
  const { userId } = await subscribe({ url: `https://localhost:${receiver.port}/hook` });
  const { notificationId } = await send({ userId, channel });
  const error = "the host leads to an address that is not public";
  expect(await becomes(notificationId, DEAD)).toMatchObject({ attemptCount: 1, lastError: error });
  const literal = await subscribe();
  const toAddress = await send({ userId: literal.userId, channel });
  expect((await becomes(toAddress.notificationId, DEAD)).lastError).toBe(error);
  expect(receiver.posts.length).toBe(before);
  await worker.stop();
});

test("a receiver whose certificate is not trusted gets nothing", async () => {
  worker = fixture.deliver({ webhookCa: "" });
  const before = receiver.posts.length;
  const { userId } = await subscribe();
  const { notificationId } = await send({ userId, channel });
  expect((await becomes(notificationId, RETRYING)).lastError).toMatch(/^no answer: .*SELF_SIGNED/);
  expect(receiver.posts.length).toBe(before);
  await worker.stop();
});

test("without the key of its secret a post waits for the configuration to be put right", async () => {
  worker = fixture.deliver({ secrets: createSecretBox([new Uint8Array(32).fill(6)]) });
  const { userId } = await subscribe();
  const { notificationId } = await send({ userId, channel });
  expect((await becomes(notificationId, RETRYING)).lastError).toContain("cannot be opened");
  await worker.stop();
  worker = fixture.deliver({
    secrets: createSecretBox([new Uint8Array(32).fill(6), new Uint8Array(32).fill(5)]),
  });
  pass(6_000);
  await becomes(notificationId, DELIVERED);
  await worker.stop();
});

test("what waits for an endpoint that is deleted becomes dead letters, and follows one that moves", async () => {
  const { userId, endpointId } = await subscribe();
  const { notificationId } = await send({ userId, channel });
  const endpoint = WebhookEndpoint.fromPartial({ endpointId, url: `https://127.0.0.1:${receiver.port}/new` });
  await client.updateWebhookEndpoint({ endpoint, updateMask: ["url"] }, as(userId));
  expect((await becomes(notificationId, QUEUED)).destination).toBe(endpoint.url);
  await client.deleteWebhookEndpoint({ endpointId }, as(userId));
  expect((await becomes(notificationId, DEAD)).lastError).toBe("the endpoint was deleted");
  expect((await failure(client.getWebhookEndpoint({ endpointId }, as(userId)))).reason).toBe("NOT_FOUND");
});
