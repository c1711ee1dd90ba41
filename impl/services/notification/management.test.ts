import { expect, test } from "vitest";
import { failure, present, violations } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import {
  NotificationPreferences,
  NotificationTemplate,
  WebhookEndpoint,
} from "#proto/ecommerce/v1/notification.ts";
import { MAX_ENDPOINTS } from "./endpoint.ts";
import { NotificationCategory, NotificationChannel } from "./notification.ts";
import { as, confirmation, manager, sender, startNotifications } from "./testing/notification-fixture.ts";

const { client, database } = await startNotifications({ allowedNetworks: [] });
const {
  NOTIFICATION_CHANNEL_EMAIL: email,
  NOTIFICATION_CHANNEL_WEBHOOK: webhook,
  NOTIFICATION_CHANNEL_IN_APP: inApp,
} = NotificationChannel;
const { NOTIFICATION_CATEGORY_TRANSACTION: transaction, NOTIFICATION_CATEGORY_SUPPORT: support } =
  NotificationCategory;

const template = (changes: Partial<NotificationTemplate>): NotificationTemplate =>
  NotificationTemplate.fromPartial({ name: `t${newId()}`, channel: email, body: "Hello", ...changes });
const create = async (changes: Partial<NotificationTemplate>) =>
  present((await client.createTemplate({ template: template(changes), requestId: "" }, manager)).template);

const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  "order.confirmed": ["order_id", "total"],
  "order.shipped": ["order_id", "carrier", "tracking_number"],
  "order.delivered": ["order_id"],
  "order.cancelled": ["order_id", "reason"],
  "order.refunded": ["order_id", "amount"],
  "order.payment_failed": ["order_id", "total", "reason"],
  "order.out_of_stock": ["order_id", "reason"],
  "order.failed": ["order_id", "reason"],
  "stock.low": ["product_id", "sku", "available", "threshold"],
};

test.each(Object.entries(VARIABLES))(
  "the built-in template %s makes a text for every channel",
  async (name, needed) => {
    const userId = newId();
    const endpoint = WebhookEndpoint.fromPartial({ url: "https://hooks.example.com/" });
    await client.createWebhookEndpoint({ userId, endpoint }, as(userId));
    const variables = Object.fromEntries(needed.map((variable) => [variable, `<${variable}>`]));
    for (const channel of [email, webhook, inApp]) {
      const address = channel === email ? "someone@example.com" : "";
      const request = confirmation({
        userId,
        email: address,
        channel,
        templateName: name,
        eventType: name,
        variables,
      });
      const { notifications } = await client.sendNotification(request, sender);
      expect(notifications.length).toBe(1);
      const { body } = present(notifications[0]);
      if (channel === webhook) expect(JSON.parse(body)).toMatchObject({ type: name, data: variables });
    }
  },
);

test("templates are unique by name, channel and locale, and a repeat of a request makes one", async () => {
  const requestId = newId();
  const wanted = template({ locale: "de-CH" });
  const first = await client.createTemplate({ template: wanted, requestId }, manager);
  expect(await client.createTemplate({ template: wanted, requestId }, manager)).toEqual(first);
  const again = await failure(
    client.createTemplate({ template: { ...wanted, locale: "DE-ch" }, requestId: "" }, manager),
  );
  expect(again.code).toBe(Code.ALREADY_EXISTS);
  await client.createTemplate({ template: { ...wanted, locale: "de" }, requestId: "" }, manager);
});

test("a template that could not be filled in is refused when it is made, and when it is changed", async () => {
  const broken = template({ subject: "{{#if}}", body: "{{{raw}}}" });
  const refused = await failure(client.createTemplate({ template: broken, requestId: "" }, manager));
  expect(violations(refused)).toEqual(["template.subject: template.syntax", "template.body: template.tag"]);
  const { templateId } = await create({ channel: inApp });
  const patch = NotificationTemplate.fromPartial({ templateId, htmlBody: "<p>" });
  const changed = await failure(
    client.updateTemplate({ template: patch, updateMask: ["html_body"] }, manager),
  );
  expect(violations(changed)).toEqual(["template.html_body: template.html_not_email"]);
});

test("a template changes by its mask and etag, and a delete can be repeated", async () => {
  const made = await create({ subject: "One" });
  const { templateId } = made;
  const patch = NotificationTemplate.fromPartial({ templateId, subject: "Two", etag: made.etag });
  const { template: changed } = await client.updateTemplate(
    { template: patch, updateMask: undefined },
    manager,
  );
  expect(changed).toMatchObject({ subject: "Two", body: "Hello" });
  expect(changed?.etag).not.toBe(made.etag);
  const stale = await failure(client.updateTemplate({ template: patch, updateMask: undefined }, manager));
  expect(stale.code).toBe(Code.ABORTED);
  expect((await failure(client.deleteTemplate({ templateId, etag: made.etag }, manager))).code).toBe(
    Code.ABORTED,
  );
  await client.deleteTemplate({ templateId, etag: present(changed).etag }, manager);
  await client.deleteTemplate({ templateId, etag: made.etag }, manager);
  expect((await failure(client.getTemplate({ templateId }, manager))).code).toBe(Code.NOT_FOUND);
});

test("templates are listed by name, a page at a time", async () => {
  const names: string[] = [];
  let pageToken = "";
  do {
    const page = await client.listTemplates({ channel: webhook, pageSize: 3, pageToken }, manager);
    names.push(...page.templates.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(names).toEqual(Object.keys(VARIABLES).sort());
});

test("preferences show by which channels things really come, and guard against lost updates", async () => {
  const userId = newId();
  const { preferences: byDefault } = await client.getPreferences({ userId }, as(userId));
  expect(byDefault?.categories.map(({ channels }) => channels.length)).toEqual([3, 3, 3, 0]);
  const patch = NotificationPreferences.fromPartial({
    userId,
    categories: [
      { category: transaction, channels: [] },
      { category: support, channels: [webhook] },
    ],
    etag: present(byDefault).etag,
  });
  const { preferences } = await client.updatePreferences(
    { preferences: patch, updateMask: undefined },
    as(userId),
  );
  expect(preferences?.categories.slice(0, 3).map(({ channels }) => channels)).toEqual([
    [email],
    [email, webhook, inApp],
    [webhook],
  ]);
  const stale = await failure(
    client.updatePreferences({ preferences: patch, updateMask: undefined }, as(userId)),
  );
  expect(stale.code).toBe(Code.ABORTED);
  expect((await client.getPreferences({ userId }, as(userId))).preferences).toEqual(preferences);
});

test("a quiet time has both ends, and a time zone that exists", async () => {
  const userId = newId();
  const update = (changes: Partial<NotificationPreferences>, updateMask?: string[]) =>
    client.updatePreferences(
      { preferences: NotificationPreferences.fromPartial({ userId, ...changes }), updateMask },
      as(userId),
    );
  expect(violations(await failure(update({ quietStartMinute: 60, timeZone: "Atlantis/Capital" })))).toEqual([
    "preferences.quiet_end_minute: preferences.quiet_time",
    "preferences.time_zone: preferences.time_zone",
  ]);
  await update({ quietStartMinute: 0, quietEndMinute: 60, timeZone: "Europe/London" });
  const cleared = await update({}, ["quiet_start_minute", "quiet_end_minute"]);
  expect(cleared.preferences).toMatchObject({ quietStartMinute: undefined, timeZone: "Europe/London" });
});

test("a signing secret is shown once, and is not in the database as it is", async () => {
  const userId = newId();
  const endpoint = WebhookEndpoint.fromPartial({ url: "https://hooks.example.com/" });
  const created = await client.createWebhookEndpoint({ userId, endpoint }, as(userId));
  expect(created.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const { endpointId } = present(created.endpoint);
  const seen = await client.getWebhookEndpoint({ endpointId }, as(userId));
  expect(seen.endpoint).toEqual(created.endpoint);
  const dump = await database
    .typed<{ "notifications.webhook_secrets": { sealed: Buffer } }>()
    .queries.selectFrom("notifications.webhook_secrets")
    .select("sealed")
    .execute();
  expect(dump.some(({ sealed }) => sealed.includes(created.secret.slice(0, 12)))).toBe(false);
});

test("endpoints are their owner's: others cannot tell them from ones that do not exist", async () => {
  const userId = newId();
  const wanted = WebhookEndpoint.fromPartial({ url: "https://hooks.example.com/" });
  const { endpoint } = await client.createWebhookEndpoint({ userId, endpoint: wanted }, as(userId));
  const { endpointId } = present(endpoint);
  const stranger = as(newId());
  const patch = WebhookEndpoint.fromPartial({ endpointId, displayName: "mine" });
  const codes = await Promise.all(
    [
      client.getWebhookEndpoint({ endpointId }, stranger),
      client.updateWebhookEndpoint({ endpoint: patch, updateMask: undefined }, stranger),
      client.rotateWebhookSecret({ endpointId, overlap: undefined }, stranger),
      client.deleteWebhookEndpoint({ endpointId }, stranger),
    ].map(async (call) => (await failure(call)).code),
  );
  expect(codes).toEqual([Code.NOT_FOUND, Code.NOT_FOUND, Code.NOT_FOUND, Code.NOT_FOUND]);
  expect((await client.getWebhookEndpoint({ endpointId }, manager)).endpoint).toEqual(endpoint);
});

test("a URL that leads inside is refused, and so is one endpoint more than a user may have", async () => {
  const userId = newId();
  const add = (url: string) =>
    client.createWebhookEndpoint({ userId, endpoint: WebhookEndpoint.fromPartial({ url }) }, as(userId));
  expect(violations(await failure(add("https://169.254.169.254/")))).toEqual([
    "endpoint.url: endpoint.url_private",
  ]);
  const results = await Promise.allSettled(
    Array.from({ length: MAX_ENDPOINTS + 3 }, (_, index) => add(`https://hooks.example.com/${index}`)),
  );
  expect(results.filter(({ status }) => status === "fulfilled").length).toBe(MAX_ENDPOINTS);
  expect((await failure(add("https://hooks.example.com/more"))).code).toBe(Code.FAILED_PRECONDITION);
  const first = await client.listWebhookEndpoints({ userId, pageSize: 15, pageToken: "" }, as(userId));
  const { nextPageToken: pageToken } = first;
  const second = await client.listWebhookEndpoints({ userId, pageSize: 15, pageToken }, as(userId));
  expect([first.endpoints.length, second.endpoints.length, second.nextPageToken]).toEqual([15, 5, ""]);
});
