// Templates in PostgreSQL.
import { type RawBuilder, sql, type Transaction } from "kysely";
import { alreadyExists } from "#impl/runtime/rpc-error.ts";
import type { Database } from "#impl/storage/database.ts";
import { StorageError } from "#impl/storage/errors.ts";
import type { NotificationChannel, NotificationText } from "./notification.ts";
import { type NewTemplate, TEMPLATE_TYPE, type Template } from "./template.ts";

/** Between the template with this place in the order of lists and the next. */
export type TemplatePlace = Pick<Template, "name" | "channel" | "locale">;

export interface TemplateReads {
  find(templateId: string, signal: AbortSignal): Promise<Template | undefined>;
  /** Of all locales. */
  named(name: string, channel: NotificationChannel, signal: AbortSignal): Promise<readonly Template[]>;
  /** By name, channel and locale; channel 0 means all. */
  page(
    channel: number,
    after: TemplatePlace | undefined,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly Template[]>;
}

export interface TemplateWriter {
  /** ALREADY_EXISTS when another one has its name, channel and locale. */
  insert(template: NewTemplate): Promise<Template>;
  lock(templateId: string): Promise<Template | undefined>;
  replaceText(locked: Template, text: NotificationText): Promise<Template>;
  remove(locked: Template): Promise<void>;
}

interface TemplateRow {
  readonly template_id: string;
  readonly name: string;
  readonly channel: NotificationChannel;
  readonly locale: string;
  readonly subject: string;
  readonly body: string;
  readonly html_body: string;
  readonly version: bigint;
  readonly create_time: Date;
  readonly update_time: Date;
}

const COLUMNS = sql.raw(
  "template_id, name, channel, locale, subject, body, html_body, version, create_time, update_time",
);
const PLACE = sql.raw(`name collate "C", channel, lower(locale) collate "C"`);

export function createTemplateReads<T>({ queries }: Database<T>): TemplateReads {
  const run = async (condition: RawBuilder<unknown>, signal: AbortSignal): Promise<Template[]> => {
    const query = sql<TemplateRow>`select ${COLUMNS} from notifications.templates ${condition}`;
    return (await query.execute(queries, { signal })).rows.map(templateOf);
  };
  return {
    async find(templateId, signal) {
      const [found] = await run(sql`where template_id = ${templateId}`, signal);
      return found;
    },
    named: (name, channel, signal) => run(sql`where name = ${name} and channel = ${channel}`, signal),
    page(channel, after, limit, signal) {
      const conditions = [sql`true`];
      if (channel !== 0) conditions.push(sql`channel = ${channel}`);
      if (after !== undefined) {
        conditions.push(sql`(${PLACE}) > (${after.name}, ${after.channel}, ${after.locale.toLowerCase()})`);
      }
      return run(sql`where ${sql.join(conditions, sql` and `)} order by ${PLACE} limit ${limit}`, signal);
    },
  };
}

export function createTemplateWriter<T>(transaction: Transaction<T>, now: Date): TemplateWriter {
  const one = async (query: RawBuilder<TemplateRow>): Promise<Template | undefined> => {
    const [row] = (await query.execute(transaction)).rows;
    return row === undefined ? undefined : templateOf(row);
  };
  return {
    async insert({ templateId, name, channel, locale, subject, body, htmlBody }) {
      const made = await one(sql`
        insert into notifications.templates
          (template_id, name, channel, locale, subject, body, html_body, create_time, update_time)
        values (${templateId}, ${name}, ${channel}, ${locale}, ${subject}, ${body}, ${htmlBody}, ${now}, ${now})
        returning ${COLUMNS}`).catch((error: unknown) => {
        const taken = error instanceof StorageError && error.constraint === "templates_name";
        throw taken ? alreadyExists(TEMPLATE_TYPE, locale === "" ? name : `${name} (${locale})`) : error;
      });
      return required(made);
    },
    lock: (templateId) =>
      one(sql`select ${COLUMNS} from notifications.templates where template_id = ${templateId} for update`),
    async replaceText({ templateId }, { subject, body, htmlBody }) {
      const changed = await one(sql`
        update notifications.templates
        set subject = ${subject}, body = ${body}, html_body = ${htmlBody}, update_time = ${now},
          version = version + 1
        where template_id = ${templateId} returning ${COLUMNS}`);
      return required(changed);
    },
    async remove({ templateId }) {
      await sql`delete from notifications.templates where template_id = ${templateId}`.execute(transaction);
    },
  };
}

function required(template: Template | undefined): Template {
  if (template === undefined) throw new Error("a statement that returns its row returned none");
  return template;
}

function templateOf(row: TemplateRow): Template {
  return {
    templateId: row.template_id,
    name: row.name,
    channel: row.channel,
    locale: row.locale,
    subject: row.subject,
    body: row.body,
    htmlBody: row.html_body,
    version: row.version,
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}
