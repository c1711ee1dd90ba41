// Writing and reading events in tests: what an event says is a text, and what it is about a key.
import { sql } from "kysely";
import type { Database } from "../database.ts";
import type { Event, NewEvent } from "../events/event.ts";
import type { EventLog, Subscription } from "../events/event-log.ts";
import { inTransaction } from "../transaction.ts";

/** Longer than any event takes to come. */
export const patienceMs = 10_000;

export function said(text: string, ...keys: string[]): NewEvent {
  return { type: "said", keys: keys.length === 0 ? ["all"] : keys, payload: Buffer.from(text) };
}

export function textOf(event: Event | undefined): string | undefined {
  return event === undefined ? undefined : Buffer.from(event.payload).toString();
}

/** In one transaction. */
export async function write<T>(
  database: Database<T>,
  log: EventLog,
  ...events: readonly NewEvent[]
): Promise<void> {
  await inTransaction(database, (transaction) => log.append(transaction, events));
  log.committed();
}

/** The texts of the next `count` events. */
export async function take(reader: Subscription, count: number): Promise<(string | undefined)[]> {
  const texts: (string | undefined)[] = [];
  while (texts.length < count) texts.push(textOf(await reader.next(patienceMs)));
  return texts;
}

/** What is written down, in the order of positions; those without one first. */
export async function positions<T>(
  { queries }: Database<T>,
  schema: string,
): Promise<{ readonly position: bigint | null; readonly text: string }[]> {
  const { rows } = await sql<{ position: bigint | null; text: string }>`
    select position, convert_from(payload, 'utf8') as text from ${sql.table(`${schema}.outbox`)}
    order by position nulls first, sequence`.execute(queries);
  return rows;
}
