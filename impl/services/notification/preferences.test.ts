import fc from "fast-check";
import { expect, test } from "vitest";
import { NotificationCategory, NotificationChannel } from "./notification.ts";
import { CATEGORIES, channelsOf, defaultPreferences, verdictOf } from "./preferences.ts";

const {
  NOTIFICATION_CATEGORY_TRANSACTION: transaction,
  NOTIFICATION_CATEGORY_ACCOUNT: account,
  NOTIFICATION_CATEGORY_MARKETING: marketing,
} = NotificationCategory;
const {
  NOTIFICATION_CHANNEL_EMAIL: email,
  NOTIFICATION_CHANNEL_WEBHOOK: webhook,
  NOTIFICATION_CHANNEL_IN_APP: inApp,
} = NotificationChannel;
const ALL = [email, webhook, inApp];

test("who never said anything hears of everything but advertising", () => {
  const preferences = defaultPreferences("");
  const heard = CATEGORIES.filter((category) => channelsOf(preferences, category).length > 0);
  expect(heard).toEqual(CATEGORIES.filter((category) => category !== marketing));
});

test("whatever is chosen, transactions come by e-mail and the account by every channel", () => {
  const channels = fc.subarray(ALL);
  fc.assert(
    fc.property(channels, channels, channels, (first, second, third) => {
      const choices = new Map([
        [transaction, first],
        [account, second],
        [marketing, third],
      ]);
      expect(channelsOf({ choices }, transaction)).toContain(email);
      expect(channelsOf({ choices }, account)).toEqual(ALL);
      expect(channelsOf({ choices }, marketing)).toEqual(third);
    }),
  );
});

test("in the quiet time everything waits but what is about the account", () => {
  const quietTime = { startMinute: 0, endMinute: 60, timeZone: "" };
  const preferences = { ...defaultPreferences(""), quietTime };
  const now = Date.parse("2027-06-01T00:30:00Z");
  const until = Date.parse("2027-06-01T01:00:00Z");
  expect(verdictOf(preferences, transaction, email, now)).toEqual({ kind: "wait", until });
  expect(verdictOf(preferences, account, email, now)).toEqual({ kind: "send" });
  expect(verdictOf(preferences, marketing, email, now)).toEqual({ kind: "suppress" });
});
