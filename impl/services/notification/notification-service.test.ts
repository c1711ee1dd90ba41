import fc from "fast-check";
import { expect, test } from "vitest";
import { failure, present, violations } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import {
  ListNotificationsRequest,
  type SendNotificationRequest,
} from "#proto/ecommerce/v1/notification_service.ts";
import { NotificationCategory, NotificationChannel, NotificationState } from "./notification.ts";
import {
  as,
  confirmation,
  manager,
  reader,
  sender,
  startNotifications,
} from "./testing/notification-fixture.ts";

const { client, send, register, store, clock } = await startNotifications();
const { NOTIFICATION_CHANNEL_EMAIL: email, NOTIFICATION_CHANNEL_IN_APP: inApp } = NotificationChannel;
const { NOTIFICATION_CATEGORY_MARKETING: marketing } = NotificationCategory;
const {
  NOTIFICATION_STATE_QUEUED: QUEUED,
  NOTIFICATION_STATE_SUPPRESSED: SUPPRESSED,
  NOTIFICATION_STATE_DEAD: DEAD,
} = NotificationState;

const sendAs = (request: Partial<SendNotificationRequest>) =>
  client.sendNotification(confirmation(request), sender);
const list = (request: Partial<ListNotificationsRequest>, by = reader) =>
  client.listNotifications(ListNotificationsRequest.fromPartial(request), by);

test("what is queued is made from the template, and can be read again", async () => {
  const sent = await send({});
  expect(sent).toMatchObject({
    userId: "",
    subject: "Your order A-17 is confirmed",
    destination: "guest@example.com",
    state: QUEUED,
    attemptCount: 0,
    nextAttemptTime: new Date(clock.now()),
  });
  const { notification } = await client.getNotification({ notificationId: sent.notificationId }, reader);
  expect(notification).toEqual(sent);
});

test("placeholders without a variable are named, and nothing is queued", async () => {
  const before = (await list({})).notifications[0]?.notificationId;
  const error = await failure(sendAs({ variables: { order_id: "1" } }));
  expect(error.code).toBe(Code.INVALID_ARGUMENT);
  expect(violations(error)).toEqual(['variables["total"]: template.missing_variable']);
  expect((await list({})).notifications[0]?.notificationId).toBe(before);
});

test("an unknown template and an unknown user are NOT_FOUND", async () => {
  const template = await failure(sendAs({ templateName: "order.forgotten" }));
  expect(template.details.resourceInfo).toMatchObject({ resourceType: "ecommerce.v1.NotificationTemplate" });
  const user = await failure(sendAs({ userId: newId() }));
  expect(user.details.resourceInfo).toMatchObject({ resourceType: "ecommerce.v1.User" });
});

test("a user is written to in its own language where there is a template of it", async () => {
  const template = {
    name: "greeting",
    channel: email,
    locale: "de",
    subject: "Guten Tag",
    body: "Hallo",
  };
  for (const each of [template, { ...template, locale: "", subject: "Hello" }]) {
    await client.createTemplate({ template: { ...EMPTY_TEMPLATE, ...each }, requestId: "" }, manager);
  }
  const subjectFor = async (locale: string) => {
    const userId = await register(`${newId()}@example.com`, locale);
    return (await send({ userId, templateName: "greeting" })).subject;
  };
  expect(await subjectFor("de-CH")).toBe("Guten Tag");
  expect(await subjectFor("fr")).toBe("Hello");
});

const EMPTY_TEMPLATE = {
  templateId: "",
  htmlBody: "",
  etag: "",
  createTime: undefined,
  updateTime: undefined,
};

test("a repeat of a request gets the first answer, whatever has become of the template since", async () => {
  const template = {
    ...EMPTY_TEMPLATE,
    name: "passing",
    channel: inApp,
    locale: "",
    subject: "",
    body: "Hi",
  };
  const created = await client.createTemplate({ template, requestId: "" }, manager);
  const request = { userId: newId(), channel: inApp, templateName: "passing", requestId: newId() };
  const first = await sendAs({ ...request, variables: { a: "1", b: "2" } });
  await client.deleteTemplate({ templateId: present(created.template).templateId, etag: "" }, manager);
  expect(await sendAs({ ...request, variables: { b: "2", a: "1" } })).toEqual(first);
  expect((await failure(sendAs({ ...request, requestId: newId() }))).code).toBe(Code.NOT_FOUND);
  expect((await failure(sendAs({ ...request, eventType: "order.other" }))).reason).toBe("REQUEST_ID_REUSED");
});

test("of notifications with one key a receiver gets one by each channel, however they come", async () => {
  const users = [newId(), newId()];
  const keys = ["order/1", "order/2", ""];
  const step = fc.record({
    user: fc.constantFrom(...users),
    key: fc.constantFrom(...keys),
    channel: fc.constantFrom(email, inApp),
  });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      run += 1;
      const sent = await Promise.all(
        steps.map(async ({ user, key, channel }) => {
          const deduplicationKey = key === "" ? "" : `${run}/${key}`;
          const address = channel === email ? "someone@example.com" : "";
          const request = { userId: user, email: address, channel, deduplicationKey };
          return {
            bond: `${user} ${channel} ${key}`,
            key,
            id: present((await sendAs(request)).notifications[0]).notificationId,
          };
        }),
      );
      const free = sent.filter(({ key }) => key === "");
      expect(new Set(free.map(({ id }) => id)).size).toBe(free.length);
      const bound = sent.filter(({ key }) => key !== "");
      const bonds = new Set(bound.map(({ bond }) => bond));
      expect(new Set(bound.map(({ id }) => id)).size).toBe(bonds.size);
      expect(new Set(bound.map(({ bond, id }) => `${bond} ${id}`)).size).toBe(bonds.size);
    }),
    { numRuns: 10 },
  );
});

test("guests are told apart by their address, without regard to case", async () => {
  const deduplicationKey = "order/7";
  const first = await send({ email: "Ada@example.com", deduplicationKey });
  const same = await send({ email: "ada@example.com", deduplicationKey });
  const other = await send({ email: "eve@example.com", deduplicationKey });
  expect(same.notificationId).toBe(first.notificationId);
  expect(other.notificationId).not.toBe(first.notificationId);
});

test("advertising that nobody agreed to is suppressed, for users and guests", async () => {
  expect(await send({ category: marketing })).toMatchObject({
    state: SUPPRESSED,
    nextAttemptTime: undefined,
  });
  expect(await send({ userId: newId(), channel: inApp, category: marketing })).toMatchObject({
    state: SUPPRESSED,
  });
});

test("pages of a list hold everything once, the latest first, and belong to their conditions", async () => {
  const userId = newId();
  const ids: string[] = [];
  for (let index = 0; index < 7; index++) ids.push((await send({ userId, channel: inApp })).notificationId);
  const seen: string[] = [];
  let pageToken = "";
  do {
    const page = await list({ userId, pageSize: 3, pageToken }, as(userId));
    seen.push(...page.notifications.map(({ notificationId }) => notificationId));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(seen).toEqual(ids.toReversed());
  const first = await list({ userId, pageSize: 3 });
  const error = await failure(
    list({ userId, pageSize: 3, unreadOnly: true, pageToken: first.nextPageToken }),
  );
  expect(violations(error)).toEqual(["page_token: token.invalid"]);
  expect((await list({ userId, states: [DEAD] })).notifications).toEqual([]);
  expect((await list({ userId, channels: [email] })).notifications).toEqual([]);
});

test("a page of large notifications ends early, and nothing is lost", async () => {
  const userId = newId();
  const template = {
    ...EMPTY_TEMPLATE,
    name: "large",
    channel: inApp,
    locale: "",
    subject: "",
    body: "{{a}}".repeat(50),
  };
  await client.createTemplate({ template, requestId: "" }, manager);
  const variables = { a: "x".repeat(4_096) };
  for (let index = 0; index < 5; index++)
    await send({ userId, channel: inApp, templateName: "large", variables });
  const first = await list({ userId });
  expect(first.notifications.length).toBe(3);
  const second = await list({ userId, pageToken: first.nextPageToken });
  expect(second.notifications.length).toBe(2);
  expect(second.nextPageToken).toBe("");
});

test("marking as read counts what was unread, and passes over what is not the user's", async () => {
  const userId = newId();
  const mine = await send({ userId, channel: inApp });
  const others = await send({ userId: newId(), channel: inApp });
  const notificationIds = [mine.notificationId, others.notificationId];
  const mark = () => client.markNotificationsRead({ userId, notificationIds }, as(userId));
  expect(await mark()).toEqual({ markedCount: 1 });
  expect(await mark()).toEqual({ markedCount: 0 });
  expect((await list({ userId, unreadOnly: true })).notifications).toEqual([]);
  const untouched = await client.getNotification({ notificationId: others.notificationId }, reader);
  expect(untouched.notification?.readTime).toBeUndefined();
});

test("others than the receiver cannot tell a notification from one that does not exist", async () => {
  const userId = newId();
  const { notificationId } = await send({ userId, channel: inApp });
  expect((await client.getNotification({ notificationId }, as(userId))).notification?.userId).toBe(userId);
  const stranger = await failure(client.getNotification({ notificationId }, as(newId())));
  expect(stranger.code).toBe(Code.NOT_FOUND);
  expect((await failure(list({ userId }, as(newId())))).code).toBe(Code.PERMISSION_DENIED);
  const guest = await send({});
  const byGuest = await failure(client.getNotification({ notificationId: guest.notificationId }, as(userId)));
  expect(byGuest.code).toBe(Code.NOT_FOUND);
});

test("only dead letters are replayed; each id has its own outcome, and a repeat gets the first", async () => {
  const { notificationId } = await send({});
  const unknown = newId();
  const request = { notificationIds: [unknown, notificationId], requestId: newId() };
  const { results } = await client.replayDeadLetters(request, manager);
  expect(results.map(({ notificationId: id, result }) => [id, result?.$case, result?.value])).toMatchObject([
    [unknown, "error", { code: Code.NOT_FOUND }],
    [notificationId, "error", { code: Code.FAILED_PRECONDITION }],
  ]);
  expect(await client.replayDeadLetters(request, manager)).toEqual({ results });
});

test("old notifications are purged with their keys, but never what still waits", async () => {
  const waiting = await send({ deduplicationKey: "old/1" });
  const suppressed = await send({ category: marketing, deduplicationKey: "old/2" });
  clock.advance(89 * 86_400_000);
  expect(await store.purgeNotifications()).toBe(0);
  clock.advance(86_400_001);
  expect(await store.purgeNotifications()).toBeGreaterThanOrEqual(1);
  const again = await send({ category: marketing, deduplicationKey: "old/2" });
  expect(again.notificationId).not.toBe(suppressed.notificationId);
  expect((await send({ deduplicationKey: "old/1" })).notificationId).toBe(waiting.notificationId);
});
