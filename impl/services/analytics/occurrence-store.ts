// What was counted and how far, in one transaction: a process that dies between any two statements has counted nothing of the batch, and
// whoever goes on begins where the last batch ended. The place of a source moves only from where its follower thinks that it is, so that
// of two followers, whatever their locks say, one is refused.
import { sql, type Transaction } from "kysely";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { OrderStatus } from "#proto/ecommerce/v1/order.ts";
import type { Feed } from "./feed.ts";
import type { Occurrence } from "./occurrence.ts";
import { occurrenceEvent } from "./occurrence-event.ts";

export interface FeedPlace {
  readonly resumeToken: string;
  /** Whether what was there before the stream began has been counted. */
  readonly listed: boolean;
}

export interface FeedStep {
  readonly occurrences: readonly Occurrence[];
  /** The place after the step. */
  readonly place: FeedPlace;
  /** Everything that was committed before has been counted; undefined when that is not known. */
  readonly through: number | undefined;
}

/** Another follower has moved the place of the source. */
export class PlaceMoved extends Error {}

export interface OccurrenceStore {
  place(source: Feed["source"], signal?: AbortSignal): Promise<FeedPlace | undefined>;
  /** Where to begin, unless there is a place already. */
  begin(source: Feed["source"], resumeToken: string, signal?: AbortSignal): Promise<void>;
  /** Counts what was not counted before. Throws PlaceMoved when the place is no longer `from`; then nothing was counted. */
  step(source: Feed["source"], from: FeedPlace, step: FeedStep, signal?: AbortSignal): Promise<void>;
}

interface Context {
  readonly database: Database<unknown>;
  /** Of the schema "analytics". */
  readonly events: EventLog;
}

export function createOccurrenceStore({ database, events }: Context): OccurrenceStore {
  return {
    async place(source, signal) {
      const { rows } = await sql<FeedPlace>`
        select resume_token as "resumeToken", listed from analytics.sources where source = ${source}`.execute(
        database.queries,
        signal === undefined ? {} : { signal },
      );
      return rows[0];
    },
    async begin(source, resumeToken, signal) {
      await sql`insert into analytics.sources (source, resume_token) values (${source}, ${resumeToken})
        on conflict do nothing`.execute(database.queries, signal === undefined ? {} : { signal });
    },
    async step(source, from, step, signal) {
      const counted = await inTransaction(
        database,
        async (transaction) => {
          await move(transaction, source, from, step);
          const news = await unheard(transaction, step.occurrences);
          await insertFacts(transaction, news);
          await events.append(
            transaction,
            news.map((each) => occurrenceEvent(source, each)),
          );
          return news.length;
        },
        signal === undefined ? {} : { signal },
      );
      if (counted > 0) events.committed();
    },
  };
}

async function move(
  transaction: Transaction<unknown>,
  source: Feed["source"],
  from: FeedPlace,
  { place, through }: FeedStep,
): Promise<void> {
  const time = through === undefined || !place.listed ? null : new Date(through);
  const { numAffectedRows } = await sql`
    update analytics.sources set resume_token = ${place.resumeToken}, listed = ${place.listed},
      through_time = greatest(through_time, ${time}::timestamptz)
    where source = ${source} and resume_token = ${from.resumeToken} and listed = ${from.listed}`.execute(
    transaction,
  );
  if (numAffectedRows !== 1n) throw new PlaceMoved(`somebody else follows the ${source}`);
}

async function unheard(
  transaction: Transaction<unknown>,
  occurrences: readonly Occurrence[],
): Promise<Occurrence[]> {
  if (occurrences.length === 0) return [];
  const byId = new Map(occurrences.map((each) => [each.id, each]));
  const { rows } = await sql<{ readonly id: string }>`
    insert into analytics.occurrences (occurrence_id) select unnest(${[...byId.keys()]}::text[])
    on conflict do nothing returning occurrence_id as id`.execute(transaction);
  const ids = new Set(rows.map(({ id }) => id));
  return [...byId.values()].filter(({ id }) => ids.has(id));
}

async function insertFacts(
  transaction: Transaction<unknown>,
  occurrences: readonly Occurrence[],
): Promise<void> {
  const rows = occurrences.flatMap(({ time, facts }) => facts.map((each) => ({ time, ...each })));
  if (rows.length === 0) return;
  await sql`
    insert into analytics.facts (time, metric, currency, country, product_id, status, amount)
    select * from unnest(
      ${rows.map(({ time }) => new Date(time))}::timestamptz[], ${rows.map(({ metric }) => metric)}::smallint[],
      ${rows.map(({ currency }) => currency)}::text[], ${rows.map(({ country }) => country)}::text[],
      ${rows.map(({ productId }) => productId)}::text[], ${rows.map(({ status }) => statusNumber(status))}::smallint[],
      ${rows.map(({ amount }) => amount)}::bigint[]
    )`.execute(transaction);
}

const numbers = new Map<string, number>(Object.entries(OrderStatus));

function statusNumber(status: string): number {
  return numbers.get(status) ?? OrderStatus.ORDER_STATUS_UNSPECIFIED;
}
