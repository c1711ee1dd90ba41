// What a template is, and which of several with one name is taken for a reader's language. No I/O.
import type { NotificationChannel, NotificationText } from "./notification.ts";

export const TEMPLATE_TYPE = "ecommerce.v1.NotificationTemplate";

export interface NewTemplate extends NotificationText {
  readonly templateId: string;
  readonly name: string;
  readonly channel: NotificationChannel;
  /** BCP 47; empty for the default of all locales. */
  readonly locale: string;
}

export interface Template extends NewTemplate {
  /** Grows with every change. */
  readonly version: bigint;
  readonly createTime: Date;
  readonly updateTime: Date;
}

/**
 * By the lookup of RFC 4647: the locale itself, else the locale with its last part removed, and so on; at the end the default.
 * Undefined when there is not even that.
 */
export function templateFor<T extends Pick<Template, "locale">>(
  templates: readonly T[],
  locale: string,
): T | undefined {
  const byLocale = new Map(templates.map((template) => [template.locale.toLowerCase(), template]));
  for (let range = locale.toLowerCase(); ; range = range.slice(0, Math.max(0, range.lastIndexOf("-")))) {
    const found = byLocale.get(range);
    if (found !== undefined || range === "") return found;
  }
}
