import fc from "fast-check";
import { expect, test } from "vitest";
import { RpcError } from "#impl/runtime/rpc-error.ts";
import { NotificationChannel } from "./notification.ts";
import { MAX_RENDERED_CHARS, renderTemplate, templateViolations } from "./template-text.ts";

const { NOTIFICATION_CHANNEL_EMAIL: email, NOTIFICATION_CHANNEL_WEBHOOK: webhook } = NotificationChannel;
const textOf = (body: string, htmlBody = "", subject = "") => ({ subject, body, htmlBody });
const reasonsOf = (body: string, channel: NotificationChannel = email): string[] =>
  templateViolations(textOf(body), channel).map(({ reason }) => reason);

test.each([
  "{{#a}}x{{/a}}",
  "{{^a}}x{{/a}}",
  "{{{a}}}",
  "{{&a}}",
  "{{>a}}",
  "{{!a}}",
  "{{=<% %>=}}",
  "{{A}}",
  "{{a.b}}",
])("%s is no placeholder", (body) => {
  expect(reasonsOf(body)).toContain("template.tag");
});

test("a tag that is not closed is named", () => {
  expect(reasonsOf("{{a")).toEqual(["template.syntax"]);
});

test("what is posted must be JSON, with placeholders only inside of its strings", () => {
  expect(reasonsOf('{"a": "{{a}}", "b": [1, "{{b}} and {{a}}"]}', webhook)).toEqual([]);
  for (const body of ['{"a": {{a}}}', "{{a}}", "no JSON", '"\\{{a}}"', '"\\u00{{a}}"']) {
    expect(reasonsOf(body, webhook)).toEqual(["template.json"]);
  }
});

test("only e-mail has an HTML part", () => {
  const violations = templateViolations(textOf('{"a": 1}', "<p>1</p>"), webhook);
  expect(violations.map(({ reason }) => reason)).toEqual(["template.html_not_email"]);
});

/** Every UTF-16 unit, alone surrogates too. */
const anyText = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 })
  .map((units) => String.fromCharCode(...units));

test("any value stays inside of its string in JSON, and makes no tag in HTML", () => {
  fc.assert(
    fc.property(anyText, (value) => {
      const posted = renderTemplate(textOf('{"a": "{{a}}"}'), webhook, { a: value });
      expect(JSON.parse(posted.body)).toEqual({ a: value });
      const mail = renderTemplate(textOf("{{a}}", '<p title="{{a}}">{{a}}</p>'), email, { a: value });
      expect(mail.body).toBe(value);
      expect(mail.htmlBody.match(/[<>]/g)).toEqual(["<", ">", "<", ">"]);
      expect(mail.htmlBody.match(/"/g)?.length).toBe(2);
    }),
  );
});

test("values are not read as templates", () => {
  const rendered = renderTemplate(textOf("{{a}} {{b}}"), email, { a: "{{b}}", b: "2" });
  expect(rendered.body).toBe("{{b}} 2");
});

test("a subject is one line, whatever its values are", () => {
  const rendered = renderTemplate(textOf("x", "", "Order {{a}}"), email, { a: "1\r\nBcc: eve@example.com" });
  expect(rendered.subject).toBe("Order 1 Bcc: eve@example.com");
});

test("missing variables are named all at once, also those that every object seems to have", () => {
  const render = () => renderTemplate(textOf("{{a}} {{constructor}} {{b}}"), email, { b: "" });
  expect(violationsOf(render)).toEqual(['variables["a"]', 'variables["constructor"]']);
});

test("a text that values make too large is refused before it is made", () => {
  const render = () =>
    renderTemplate(textOf("{{a}}".repeat(100)), email, { a: "x".repeat(MAX_RENDERED_CHARS / 99) });
  expect(violationsOf(render)).toEqual(["variables"]);
});

function violationsOf(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    const details = error instanceof RpcError ? error.details : [];
    return details.flatMap((detail) =>
      detail.type === "BadRequest" ? detail.violations.map(({ field }) => field) : [],
    );
  }
  return [];
}
