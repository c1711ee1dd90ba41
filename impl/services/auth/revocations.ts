// What was revoked: written with its cause in one transaction, kept as long as it is of effect, and told to whoever watches.
import { sql, type Transaction } from "kysely";
import { MAX_ACCESS_TOKEN_SECONDS } from "#impl/auth/access-token.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { Revocation } from "#proto/ecommerce/v1/auth.ts";

/** No token and no kept answer outlives its revocation by more. */
export const REVOCATION_EFFECT_MS = 2 * MAX_ACCESS_TOKEN_SECONDS * 1_000;
const SNAPSHOT_ROWS = 500;

export type RevocationTarget = NonNullable<Revocation["target"]>;

/** By the numbers of their fields in the message. */
const KINDS = { userId: 1, sessionId: 2, apiKeyId: 3 } as const satisfies Record<
  RevocationTarget["$case"],
  number
>;

export interface Revocations {
  /** Revokes, in the transaction of the cause. Everything that was verified for the target before `revokeTime` counts no more. */
  revoke<T>(transaction: Transaction<T>, target: RevocationTarget, revokeTime: Date): Promise<void>;
  /** To be called when the transaction is committed. */
  committed(): void;
  /** All that is still of effect. */
  current(signal: AbortSignal): AsyncIterable<Revocation>;
  /** Forgets what is no longer of effect; how much. */
  purge(signal: AbortSignal): Promise<number>;
}

export interface RevocationsOptions {
  readonly database: Database<unknown>;
  readonly events: EventLog;
  readonly clock: Clock;
}

interface Row {
  readonly kind: number;
  readonly target: string;
  readonly revoke_time: Date;
}

export function createRevocations({ database, events, clock }: RevocationsOptions): Revocations {
  const { queries } = database;
  const ofEffectSince = (): Date => new Date(clock.now() - REVOCATION_EFFECT_MS);
  return {
    async revoke(transaction, target, revokeTime) {
      const kind = KINDS[target.$case];
      await sql`insert into auth.revocations as known (kind, target, revoke_time)
        values (${kind}, ${target.value}, ${revokeTime})
        on conflict (kind, target) do update
        set revoke_time = greatest(known.revoke_time, excluded.revoke_time)`.execute(transaction);
      const payload = Revocation.encode({ target, revokeTime }).finish();
      await events.append(transaction, [
        { type: "credentials.revoked", keys: [`${target.$case}/${target.value}`], payload },
      ]);
    },
    committed: () => events.committed(),
    async *current(signal) {
      for (let after: Pick<Row, "kind" | "target"> = { kind: 0, target: "" }; ; ) {
        const { rows } = await sql<Row>`select kind, target, revoke_time from auth.revocations
          where (kind, target) > (${after.kind}, ${after.target}) and revoke_time > ${ofEffectSince()}
          order by kind, target limit ${SNAPSHOT_ROWS}`.execute(queries, { signal });
        for (const row of rows) yield revocationOf(row);
        const last = rows.at(-1);
        if (last === undefined || rows.length < SNAPSHOT_ROWS) return;
        after = last;
      }
    },
    async purge(signal) {
      const { numAffectedRows = 0n } =
        await sql`delete from auth.revocations where revoke_time <= ${ofEffectSince()}`.execute(queries, {
          signal,
        });
      return Number(numAffectedRows);
    },
  };
}

function revocationOf({ kind, target: value, revoke_time: revokeTime }: Row): Revocation {
  switch (kind) {
    case KINDS.userId:
      return { target: { $case: "userId", value }, revokeTime };
    case KINDS.sessionId:
      return { target: { $case: "sessionId", value }, revokeTime };
    case KINDS.apiKeyId:
      return { target: { $case: "apiKeyId", value }, revokeTime };
    default:
      throw new Error(`a revocation of kind ${kind}`);
  }
}
