// Webhook endpoints and their sealed secrets in PostgreSQL.
import { type RawBuilder, sql } from "kysely";
import type { Database } from "#impl/storage/database.ts";
import type { Endpoint } from "./endpoint.ts";

export interface EndpointStore {
  find(endpointId: string, signal: AbortSignal): Promise<Endpoint | undefined>;
  /** The latest first, of those before `before`. */
  page(
    userId: string,
    before: string | undefined,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly Endpoint[]>;
  /** Those that are not disabled. */
  enabled(userId: string, signal: AbortSignal): Promise<readonly Endpoint[]>;
  /** What a post needs. Undefined when there is no such endpoint. */
  signing(endpointId: string, now: Date, signal: AbortSignal): Promise<SigningEndpoint | undefined>;
}

export interface SigningEndpoint {
  readonly endpointId: string;
  readonly url: string;
  readonly disabled: boolean;
  /** All that are in force, the newest first. */
  readonly sealedSecrets: readonly Uint8Array[];
}

export interface EndpointRow {
  readonly endpoint_id: string;
  readonly user_id: string;
  readonly url: string;
  readonly event_types: readonly string[];
  readonly disabled: boolean;
  readonly display_name: string;
  readonly version: bigint;
  readonly create_time: Date;
  readonly update_time: Date;
  readonly last_success_time: Date | null;
  readonly last_failure_time: Date | null;
}

export const ENDPOINT_COLUMNS = sql.raw(
  "endpoint_id, user_id, url, event_types, disabled, display_name, version, create_time, update_time, " +
    "last_success_time, last_failure_time",
);

interface SigningRow {
  readonly url: string;
  readonly disabled: boolean;
  readonly sealed: Buffer;
}

export function createEndpointStore<T>({ queries }: Database<T>): EndpointStore {
  const run = async (condition: RawBuilder<unknown>, signal: AbortSignal): Promise<Endpoint[]> => {
    const query = sql<EndpointRow>`select ${ENDPOINT_COLUMNS} from notifications.webhook_endpoints ${condition}`;
    return (await query.execute(queries, { signal })).rows.map(endpointOf);
  };
  return {
    async find(endpointId, signal) {
      const [found] = await run(sql`where endpoint_id = ${endpointId}`, signal);
      return found;
    },
    page: (userId, before, limit, signal) =>
      run(
        sql`where user_id = ${userId} ${before === undefined ? sql`` : sql`and endpoint_id < ${before}`}
          order by endpoint_id desc limit ${limit}`,
        signal,
      ),
    enabled: (userId, signal) =>
      run(sql`where user_id = ${userId} and not disabled order by endpoint_id`, signal),
    async signing(endpointId, now, signal) {
      const { rows } = await sql<SigningRow>`
        select e.url, e.disabled, s.sealed
        from notifications.webhook_endpoints as e join notifications.webhook_secrets as s using (endpoint_id)
        where e.endpoint_id = ${endpointId} and (s.expire_time is null or s.expire_time > ${now})
        order by s.secret_id desc`.execute(queries, { signal });
      const [first] = rows;
      if (first === undefined) return undefined;
      const { url, disabled } = first;
      return { endpointId, url, disabled, sealedSecrets: rows.map(({ sealed }) => sealed) };
    },
  };
}

export function endpointOf(row: EndpointRow): Endpoint {
  return {
    endpointId: row.endpoint_id,
    userId: row.user_id,
    url: row.url,
    eventTypes: row.event_types,
    disabled: row.disabled,
    displayName: row.display_name,
    version: row.version,
    createTime: row.create_time,
    updateTime: row.update_time,
    lastSuccessTime: row.last_success_time ?? undefined,
    lastFailureTime: row.last_failure_time ?? undefined,
  };
}
