// From a template's texts and the values of its placeholders to what a receiver gets. A template has placeholders and nothing else of
// Mustache: no sections, no partials, and no way to keep a value from being escaped. Values are escaped for where they land: HTML in the
// HTML part, JSON in what is posted to webhooks.
import { LRUCache } from "lru-cache";
import mustache from "mustache";
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import { NotificationChannel, type NotificationText } from "./notification.ts";

export type Variables = Readonly<Record<string, string>>;

/** The largest text that values may make of a template, in UTF-16 units. */
export const MAX_RENDERED_CHARS = 262_144;

const PLACEHOLDER = /^[a-z][a-z0-9_]{0,31}$/;
/** Is no JSON outside of a string. */
const SAMPLE = "x y";

const plain = (value: string): string => value;
const html = (value: string): string => mustache.escape(value);
const json = (value: string): string => JSON.stringify(value).slice(1, -1);

const PARTS = ["subject", "body", "htmlBody"] as const satisfies ReadonlyArray<keyof NotificationText>;
const FIELDS = { subject: "template.subject", body: "template.body", htmlBody: "template.html_body" };

/** What is wrong with the texts of a template for this channel. */
export function templateViolations(
  text: NotificationText,
  channel: NotificationChannel,
): readonly FieldViolation[] {
  const violations = PARTS.flatMap((part) => tagViolations(text[part], FIELDS[part]));
  if (text.htmlBody !== "" && channel !== NotificationChannel.NOTIFICATION_CHANNEL_EMAIL) {
    const description = "must be empty: only e-mail has an HTML part";
    violations.push({ field: FIELDS.htmlBody, description, reason: "template.html_not_email" });
  }
  if (violations.length === 0 && isWebhook(channel) && !isJson(fill(text.body, () => SAMPLE, json))) {
    const description = "must be JSON with its placeholders inside of strings";
    violations.push({ field: FIELDS.body, description, reason: "template.json" });
  }
  return violations;
}

/**
 * The texts with the values in place. INVALID_ARGUMENT names every placeholder that has no value, and texts that become too large.
 * For webhooks the body is only the "data" of what is posted.
 */
export function renderTemplate(
  text: NotificationText,
  channel: NotificationChannel,
  variables: Variables,
): NotificationText {
  const names = new Set(PARTS.flatMap((part) => placeholdersOf(text[part])));
  const missing = [...names].filter((name) => !Object.hasOwn(variables, name));
  if (missing.length > 0) throw invalidArgument(missing.map(missingVariable));
  const valueFor = (name: string): string => variables[name] ?? "";
  for (const part of PARTS) requireRoom(text[part], valueFor);
  return {
    // A header is one line.
    subject: fill(text.subject, valueFor, plain).replaceAll(/\s+/g, " ").trim(),
    body: fill(text.body, valueFor, isWebhook(channel) ? json : plain),
    htmlBody: fill(text.htmlBody, valueFor, html),
  };
}

function isWebhook(channel: NotificationChannel): boolean {
  return channel === NotificationChannel.NOTIFICATION_CHANNEL_WEBHOOK;
}

interface Tag {
  /** "name" for a placeholder; otherwise Mustache's sign for it. */
  readonly type: string;
  readonly value: string;
}

/** Templates are few and used often. */
const parsed = new LRUCache<string, readonly Tag[]>({ max: 256 });

/** Text and tags, in order. Throws an Error when a tag is not closed. */
function tagsOf(text: string): readonly Tag[] {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  // A writer of its own for each, since the library's keeps every template it has seen.
  const tokens: unknown = new mustache.Writer().parse(text);
  const tags = Array.isArray(tokens) ? tokens.map(tagOf) : [];
  parsed.set(text, tags);
  return tags;
}

function tagOf(token: unknown): Tag {
  const [type, value]: readonly unknown[] = Array.isArray(token) ? token : [];
  return { type: String(type), value: String(value) };
}

function tagViolations(text: string, field: string): FieldViolation[] {
  try {
    return tagsOf(text)
      .filter(({ type, value }) => type !== "text" && !(type === "name" && PLACEHOLDER.test(value)))
      .map(({ type, value }) => {
        const tag = `{{${type === "name" ? "" : type}${value}}}`;
        const description = `${tag} is not a placeholder such as {{order_id}}`;
        return { field, description, reason: "template.tag" };
      });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [{ field, description: `is not a template: ${why}`, reason: "template.syntax" }];
  }
}

function placeholdersOf(text: string): string[] {
  return tagsOf(text)
    .filter(({ type }) => type === "name")
    .map(({ value }) => value);
}

function fill(text: string, valueFor: (name: string) => string, escaped: (value: string) => string): string {
  return tagsOf(text)
    .map(({ type, value }) => (type === "name" ? escaped(valueFor(value)) : value))
    .join("");
}

/** Before anything is made: a small template can repeat a large value many times. */
function requireRoom(text: string, valueFor: (name: string) => string): void {
  const chars = tagsOf(text).reduce(
    (sum, { type, value }) => sum + (type === "name" ? valueFor(value) : value).length,
    0,
  );
  if (chars <= MAX_RENDERED_CHARS) return;
  const description = `makes a text of ${chars} characters; ${MAX_RENDERED_CHARS} are allowed`;
  throw invalidArgument([{ field: "variables", description, reason: "template.too_large" }]);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function missingVariable(name: string): FieldViolation {
  return {
    field: `variables["${name}"]`,
    description: "is missing, and the template has a placeholder for it",
    reason: "template.missing_variable",
  };
}
