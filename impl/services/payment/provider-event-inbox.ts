// The events of the provider that are taken once, by the ids of their deliveries, and what they may say of a hold.
import { sql } from "kysely";
import type { Database } from "#impl/storage/database.ts";
import type { PaymentTables } from "./payment-tables.ts";

export interface ProviderEventInbox {
  knows(webhookId: string, signal: AbortSignal): Promise<boolean>;
  remember(webhookId: string, time: Date, signal: AbortSignal): Promise<void>;
  /** Makes the hold of an authorization due to be checked; false when there is none. */
  holdMayHaveExpired(authorization: string, now: Date, signal: AbortSignal): Promise<boolean>;
  /** Forgets what was taken before then; how many. The provider does not send an event again after days. */
  purge(before: Date, signal?: AbortSignal): Promise<number>;
}

export function createProviderEventInbox(database: Database<unknown>): ProviderEventInbox {
  const { queries } = database.typed<PaymentTables>();
  return {
    async knows(webhookId, signal) {
      const { rows } =
        await sql`select 1 from payments.provider_events where webhook_id = ${webhookId}`.execute(queries, {
          signal,
        });
      return rows.length > 0;
    },
    async remember(webhookId, time, signal) {
      await sql`insert into payments.provider_events (webhook_id, receive_time) values (${webhookId}, ${time})
        on conflict do nothing`.execute(queries, { signal });
    },
    async holdMayHaveExpired(authorization, now, signal) {
      const { numAffectedRows } = await sql`update payments.payments set next_check_time = ${now}
        where authorization_reference = ${authorization} and hold = 'open'`.execute(queries, { signal });
      return numAffectedRows === 1n;
    },
    async purge(before, signal) {
      const { numAffectedRows = 0n } = await sql`delete from payments.provider_events
        where receive_time < ${before}`.execute(queries, signal === undefined ? {} : { signal });
      return Number(numAffectedRows);
    },
  };
}
