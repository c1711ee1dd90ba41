// The writes of webhook endpoints and their secrets inside a transaction.
import { type RawBuilder, sql, type Transaction } from "kysely";
import { failedPrecondition } from "#impl/runtime/rpc-error.ts";
import { type Endpoint, type EndpointContent, MAX_ENDPOINTS } from "./endpoint.ts";
import { ENDPOINT_COLUMNS, type EndpointRow, endpointOf } from "./endpoint-store.ts";

export interface NewEndpoint extends EndpointContent {
  readonly endpointId: string;
  readonly userId: string;
}

export interface SealedSecret {
  /** UUIDv7: the newest is the one in use. */
  readonly secretId: string;
  readonly sealed: Uint8Array;
}

export interface EndpointWriter {
  /** FAILED_PRECONDITION when its user has `MAX_ENDPOINTS`. */
  insert(endpoint: NewEndpoint, secret: SealedSecret): Promise<Endpoint>;
  lock(endpointId: string): Promise<Endpoint | undefined>;
  replaceContent(locked: Endpoint, content: EndpointContent): Promise<Endpoint>;
  remove(endpointId: string): Promise<void>;
  /** No secret but the new one is in force after `overlapEnds`; of those before it the newest are kept, `MAX_SECRETS` in all. */
  rotate(locked: Endpoint, secret: SealedSecret, overlapEnds: Date): Promise<Endpoint>;
}

/** Each adds a signature to the header of every post. */
const MAX_SECRETS = 5;

export function createEndpointWriter<T>(transaction: Transaction<T>, now: Date): EndpointWriter {
  const one = async (query: RawBuilder<EndpointRow>): Promise<Endpoint | undefined> => {
    const [row] = (await query.execute(transaction)).rows;
    return row === undefined ? undefined : endpointOf(row);
  };
  const insertSecret = (endpointId: string, { secretId, sealed }: SealedSecret) =>
    sql`insert into notifications.webhook_secrets (secret_id, endpoint_id, sealed)
      values (${secretId}, ${endpointId}, ${sealed})`.execute(transaction);
  return {
    async insert({ endpointId, userId, url, eventTypes, disabled, displayName }, secret) {
      await requireRoom(transaction, userId);
      const made = await one(sql`
        insert into notifications.webhook_endpoints
          (endpoint_id, user_id, url, event_types, disabled, display_name, create_time, update_time)
        values (${endpointId}, ${userId}, ${url}, ${eventTypes}, ${disabled}, ${displayName}, ${now}, ${now})
        returning ${ENDPOINT_COLUMNS}`);
      await insertSecret(endpointId, secret);
      return required(made);
    },
    lock: (endpointId) =>
      one(sql`select ${ENDPOINT_COLUMNS} from notifications.webhook_endpoints
        where endpoint_id = ${endpointId} for no key update`),
    async replaceContent({ endpointId }, { url, eventTypes, disabled, displayName }) {
      // One that is switched on again has all the patience again.
      const changed = await one(sql`
        update notifications.webhook_endpoints
        set url = ${url}, event_types = ${eventTypes}, disabled = ${disabled}, display_name = ${displayName},
          failing_since = case when disabled and not ${disabled}::boolean then null else failing_since end,
          version = version + 1, update_time = ${now}
        where endpoint_id = ${endpointId} returning ${ENDPOINT_COLUMNS}`);
      return required(changed);
    },
    async remove(endpointId) {
      await sql`delete from notifications.webhook_endpoints where endpoint_id = ${endpointId}`.execute(
        transaction,
      );
    },
    async rotate({ endpointId }, secret, overlapEnds) {
      // The least of null and a time is the time.
      await sql`
        update notifications.webhook_secrets set expire_time = least(expire_time, ${overlapEnds})
        where endpoint_id = ${endpointId}`.execute(transaction);
      await insertSecret(endpointId, secret);
      await sql`
        delete from notifications.webhook_secrets where endpoint_id = ${endpointId} and (
          expire_time <= ${now} or secret_id not in (
            select secret_id from notifications.webhook_secrets where endpoint_id = ${endpointId}
            order by secret_id desc limit ${MAX_SECRETS}
          )
        )`.execute(transaction);
      const changed = await one(sql`
        update notifications.webhook_endpoints set version = version + 1, update_time = ${now}
        where endpoint_id = ${endpointId} returning ${ENDPOINT_COLUMNS}`);
      return required(changed);
    },
  };
}

/** Of two at once for the same user, the second counts when the first is committed. */
async function requireRoom<T>(transaction: Transaction<T>, userId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`webhook endpoints of ${userId.toLowerCase()}`}, 0))`.execute(
    transaction,
  );
  const { rows } = await sql<{ readonly endpoints: number }>`
    select count(*)::int as endpoints from notifications.webhook_endpoints where user_id = ${userId}`.execute(
    transaction,
  );
  if ((rows[0]?.endpoints ?? 0) >= MAX_ENDPOINTS) {
    const description = `the user has ${MAX_ENDPOINTS} webhook endpoints already`;
    throw failedPrecondition("TOO_MANY_WEBHOOK_ENDPOINTS", userId, description);
  }
}

function required(endpoint: Endpoint | undefined): Endpoint {
  if (endpoint === undefined) throw new Error("a statement that returns its row returned none");
  return endpoint;
}
