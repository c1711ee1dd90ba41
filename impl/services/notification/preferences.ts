// What a user wants to hear of, by which channels and when, and what follows from it for one notification. No I/O.
import { NotificationCategory, NotificationChannel } from "./notification.ts";
import { type QuietTime, quietUntil } from "./quiet-time.ts";

export interface Preferences {
  readonly userId: string;
  /** What the user chose; a category that is not among them has its default. */
  readonly choices: ReadonlyMap<NotificationCategory, readonly NotificationChannel[]>;
  readonly quietTime: QuietTime | undefined;
  /** Of the quiet time; kept without one too. Empty means UTC. */
  readonly timeZone: string;
  /** Grows with every change; 0 while the user has never said anything. */
  readonly version: bigint;
}

/** What is to be done with a notification now. */
export type Verdict =
  | { readonly kind: "send" }
  /** The receiver does not want it. */
  | { readonly kind: "suppress" }
  /** The receiver does not want it before this time, milliseconds since the epoch. */
  | { readonly kind: "wait"; readonly until: number };

const {
  NOTIFICATION_CHANNEL_EMAIL: email,
  NOTIFICATION_CHANNEL_WEBHOOK: webhook,
  NOTIFICATION_CHANNEL_IN_APP: inApp,
} = NotificationChannel;
const {
  NOTIFICATION_CATEGORY_TRANSACTION: transaction,
  NOTIFICATION_CATEGORY_ACCOUNT: account,
  NOTIFICATION_CATEGORY_SUPPORT: support,
  NOTIFICATION_CATEGORY_MARKETING: marketing,
} = NotificationCategory;

const ALL = [email, webhook, inApp];

interface Rule {
  readonly byDefault: readonly NotificationChannel[];
  /** Cannot be switched off. */
  readonly always: readonly NotificationChannel[];
}

const RULES: ReadonlyMap<NotificationCategory, Rule> = new Map([
  [transaction, { byDefault: ALL, always: [email] }],
  [account, { byDefault: ALL, always: ALL }],
  [support, { byDefault: ALL, always: [] }],
  [marketing, { byDefault: [], always: [] }],
]);

/** In the order of their numbers. */
export const CATEGORIES: readonly NotificationCategory[] = [...RULES.keys()];

/** Of a user that never said anything, and of someone without an account. */
export function defaultPreferences(userId: string): Preferences {
  return { userId, choices: new Map(), quietTime: undefined, timeZone: "", version: 0n };
}

/** The channels by which a category comes: those that were chosen, and those that cannot be switched off. */
export function channelsOf(
  { choices }: Pick<Preferences, "choices">,
  category: NotificationCategory,
): readonly NotificationChannel[] {
  const rule = RULES.get(category);
  if (rule === undefined) return [];
  const chosen = choices.get(category) ?? rule.byDefault;
  return ALL.filter((channel) => chosen.includes(channel) || rule.always.includes(channel));
}

export function verdictOf(
  preferences: Preferences,
  category: NotificationCategory,
  channel: NotificationChannel,
  now: number,
): Verdict {
  if (!channelsOf(preferences, category).includes(channel)) return { kind: "suppress" };
  const { quietTime } = preferences;
  const until = quietTime === undefined || category === account ? undefined : quietUntil(quietTime, now);
  return until === undefined ? { kind: "send" } : { kind: "wait", until };
}
