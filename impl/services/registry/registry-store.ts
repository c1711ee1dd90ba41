// The instances in the database: one row each, written together with the event that tells of it. Every gateway reads the same.
import { type Kysely, sql } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import type { NewEvent } from "#impl/storage/events/event.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { type Instance, InstanceEventKind, type InstanceState } from "#proto/ecommerce/v1/registry.ts";
import { instanceEvent } from "./registry-events.ts";
import { contentOf, INSTANCE_COLUMNS, instanceOf, type RegistryTables } from "./registry-tables.ts";

export interface RegistryStore {
  /** Adds the instance or replaces what is known of it; resolves to it with its lease. */
  register(instance: Instance, leaseMs: number, signal: AbortSignal): Promise<Instance>;
  /** When the lease now ends; undefined when there is none any more. */
  renew(instanceId: string, state: InstanceState, signal: AbortSignal): Promise<Date | undefined>;
  /** Without effect when it is not there. */
  remove(instanceId: string, signal: AbortSignal): Promise<void>;
  /** Forgets up to `limit` instances whose lease has ended; how many. Any number of processes may do it at once. */
  expireDue(limit: number, signal: AbortSignal): Promise<number>;
  /** Those with a lease, by id; of one service, or of all for "". */
  page(options: InstancePage, signal: AbortSignal): Promise<readonly Instance[]>;
}

export interface InstancePage {
  readonly service: string;
  /** Id of the last one before the page; "" is the start. */
  readonly after: string;
  readonly limit: number;
}

export interface RegistryStoreOptions {
  readonly events: EventLog;
  readonly clock: Clock;
}

const { INSTANCE_EVENT_KIND_ADDED, INSTANCE_EVENT_KIND_CHANGED, INSTANCE_EVENT_KIND_REMOVED } =
  InstanceEventKind;

export function createRegistryStore(
  database: Database<RegistryTables>,
  { events, clock }: RegistryStoreOptions,
): RegistryStore {
  /** Runs the change and writes what it tells in one transaction. */
  const write = async <R>(
    change: (queries: Kysely<RegistryTables>) => Promise<{ result: R; told: readonly NewEvent[] }>,
    signal: AbortSignal,
  ): Promise<R> => {
    const { result, told } = await inTransaction(
      database,
      async (transaction) => {
        const outcome = await change(transaction);
        if (outcome.told.length > 0) await events.append(transaction, outcome.told);
        return outcome;
      },
      { signal },
    );
    if (told.length > 0) events.committed();
    return result;
  };

  return {
    register: (instance, leaseMs, signal) =>
      write(async (queries) => {
        const expireTime = new Date(clock.now() + leaseMs);
        const content = contentOf(instance);
        const before = await upsert(queries, { instance, content, leaseMs, expireTime });
        const after = { ...instance, expireTime };
        return { result: after, told: changeOf(before, after, content) };
      }, signal),
    renew: (instanceId, state, signal) =>
      write(async (queries) => {
        const now = new Date(clock.now());
        const { rows } = await sql<{ state_before: number; content: Buffer; expire_time: Date }>`
          update registry.instances
          set state = ${state}, expire_time = ${now}::timestamptz + lease_ms * interval '1 millisecond'
          where instance_id = ${instanceId} and expire_time > ${now}
          returning old.state as state_before, content, expire_time`.execute(queries);
        const [row] = rows;
        if (row === undefined) return { result: undefined, told: [] };
        const instance = instanceOf({ ...row, state });
        const told = row.state_before === state ? [] : [instanceEvent(INSTANCE_EVENT_KIND_CHANGED, instance)];
        return { result: row.expire_time, told };
      }, signal),
    remove: (instanceId, signal) =>
      write(async (queries) => {
        const gone = await queries
          .deleteFrom("registry.instances")
          .where("instance_id", "=", instanceId)
          .returning(INSTANCE_COLUMNS)
          .execute();
        return { result: undefined, told: gone.map((row) => removed(instanceOf(row))) };
      }, signal),
    expireDue: (limit, signal) =>
      write(async (queries) => {
        const due = queries
          .selectFrom("registry.instances")
          .select("instance_id")
          .where("expire_time", "<=", new Date(clock.now()))
          .orderBy("expire_time")
          .limit(limit)
          .forUpdate()
          .skipLocked();
        const gone = await queries
          .deleteFrom("registry.instances")
          .where("instance_id", "in", due)
          .returning(INSTANCE_COLUMNS)
          .execute();
        return { result: gone.length, told: gone.map((row) => removed(instanceOf(row))) };
      }, signal),
    async page({ service, after, limit }, signal) {
      let query = database.queries
        .selectFrom("registry.instances")
        .select(INSTANCE_COLUMNS)
        .where("instance_id", ">", after)
        .where("expire_time", ">", new Date(clock.now()))
        .orderBy("instance_id")
        .limit(limit);
      if (service !== "") query = query.where(sql<boolean>`${service} = any(services)`);
      return (await query.execute({ signal })).map(instanceOf);
    },
  };
}

interface Before {
  readonly content: Buffer | null;
  readonly state: InstanceState | null;
  readonly services: readonly string[] | null;
}

async function upsert(
  queries: Kysely<RegistryTables>,
  row: {
    readonly instance: Instance;
    readonly content: Buffer;
    readonly leaseMs: number;
    readonly expireTime: Date;
  },
): Promise<Before | undefined> {
  const { instance, content, leaseMs, expireTime } = row;
  const { rows } = await sql<Before>`
    insert into registry.instances (instance_id, content, services, state, lease_ms, expire_time)
    values (${instance.instanceId}, ${content}, ${instance.services}, ${instance.state}, ${leaseMs}, ${expireTime})
    on conflict (instance_id) do update set
      content = excluded.content, services = excluded.services, state = excluded.state,
      lease_ms = excluded.lease_ms, expire_time = excluded.expire_time
    returning old.content, old.state, old.services`.execute(queries);
  return rows[0];
}

/** Nothing when only the lease is new. */
function changeOf(before: Before | undefined, after: Instance, content: Buffer): readonly NewEvent[] {
  if (before === undefined || before.content === null) {
    return [instanceEvent(INSTANCE_EVENT_KIND_ADDED, after)];
  }
  if (before.state === after.state && content.equals(before.content)) return [];
  return [instanceEvent(INSTANCE_EVENT_KIND_CHANGED, after, before.services ?? [])];
}

function removed(instance: Instance): NewEvent {
  return instanceEvent(INSTANCE_EVENT_KIND_REMOVED, instance);
}
