// Wrong passwords are counted, in the database, so that all processes count together. An attempt is counted before the password is looked
// at and taken back when it was right: attempts at the same time cannot exceed a limit.
//
// Nobody can lock an owner out for ever: from an address where the account was logged in to, attempts are counted by themselves, and a
// window ends when its time is over, however many attempts were refused within it.
import { hash } from "node:crypto";
import { sql } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import { tooManyAttempts } from "./auth-errors.ts";
import type { AuthTables } from "./auth-tables.ts";

export interface AttemptLimits {
  /** A window begins with the first wrong password and is over after so long. Default 15 min. */
  readonly windowMs: number;
  /** Wrong passwords for one account from addresses that are not known for it. Default 20. */
  readonly byAccount: number;
  /** Wrong passwords for one account from one address that is known for it. Default 10. */
  readonly byKnownAddress: number;
  /** Wrong passwords from one address, for whatever accounts it is not known for. Default 100. */
  readonly byAddress: number;
  /** How long an address stays known after the last login from it. Default 90 days. */
  readonly knownAddressMs: number;
}

export const DEFAULT_ATTEMPT_LIMITS: AttemptLimits = {
  windowMs: 15 * 60_000,
  byAccount: 20,
  byKnownAddress: 10,
  byAddress: 100,
  knownAddressMs: 90 * 86_400_000,
};

export interface Attempts {
  /** Counts an attempt. Throws RESOURCE_EXHAUSTED when there were too many; when to come again is in it. */
  begin(attempt: Attempt, signal: AbortSignal): Promise<CountedAttempt>;
  /** Forgets windows that are over and addresses that are not known any more; how many. */
  purge(signal: AbortSignal): Promise<number>;
}

export interface Attempt {
  /** What the caller calls the account, such as its e-mail address in lower case, whether it exists or not. */
  readonly account: string;
  readonly address: string;
}

export interface CountedAttempt {
  /** The password was right: the account's count begins anew, and the address is known for it. */
  succeeded(signal: AbortSignal): Promise<void>;
  /** The password was not looked at: nothing was counted. */
  undecided(signal: AbortSignal): Promise<void>;
}

export interface AttemptsOptions {
  readonly database: Database<unknown>;
  readonly clock: Clock;
  readonly limits?: Partial<AttemptLimits>;
}

export function createAttempts({ database, clock, ...options }: AttemptsOptions): Attempts {
  const { queries } = database.typed<AuthTables>();
  const limits: AttemptLimits = { ...DEFAULT_ATTEMPT_LIMITS, ...options.limits };
  const now = (): Date => new Date(clock.now());
  const knownSince = (): Date => new Date(clock.now() - limits.knownAddressMs);

  /** Throws when it is one too many. */
  const count = async (bucket: Buffer, limit: number, signal: AbortSignal): Promise<void> => {
    const windowEnd = new Date(clock.now() + limits.windowMs);
    const over = sql<boolean>`counted.window_end <= ${now()}`;
    const { rows } = await sql<{ readonly failures: number; readonly window_end: Date }>`
      insert into auth.login_attempts as counted (bucket, failures, window_end) values (${bucket}, 1, ${windowEnd})
      on conflict (bucket) do update set
        failures = case when ${over} then 1 else least(counted.failures + 1, ${limit + 1}) end,
        window_end = case when ${over} then excluded.window_end else counted.window_end end
      returning failures, window_end`.execute(queries, { signal });
    const [counted] = rows;
    if (counted !== undefined && counted.failures > limit) {
      throw tooManyAttempts(Math.max(1, counted.window_end.getTime() - clock.now()));
    }
  };

  const takeBack = async (buckets: readonly Buffer[], signal: AbortSignal): Promise<void> => {
    await queries
      .updateTable("auth.login_attempts")
      .set({ failures: sql<number>`greatest(failures - 1, 0)` })
      .where("bucket", "in", buckets)
      .execute({ signal });
  };

  return {
    async begin({ account, address }, signal) {
      const [byAccount, byAddress] = [bucketOf("account", account), bucketOf("address", address)];
      const both = bucketOf("both", account, address);
      const known = await queries
        .selectFrom("auth.known_addresses")
        .select("bucket")
        .where("bucket", "=", both)
        .where("login_time", ">", knownSince())
        .executeTakeFirst({ signal });
      if (known === undefined) {
        // The address first: what it may not do must not count against the account.
        await count(byAddress, limits.byAddress, signal);
        await count(byAccount, limits.byAccount, signal);
      } else {
        await count(both, limits.byKnownAddress, signal);
      }
      return {
        async succeeded(signal) {
          await queries
            .deleteFrom("auth.login_attempts")
            .where("bucket", "in", [byAccount, both])
            .execute({ signal });
          if (known === undefined) await takeBack([byAddress], signal);
          await queries
            .insertInto("auth.known_addresses")
            .values({ bucket: both, login_time: now() })
            .onConflict((conflict) => conflict.column("bucket").doUpdateSet({ login_time: now() }))
            .execute({ signal });
        },
        undecided: (signal) => takeBack(known === undefined ? [byAddress, byAccount] : [both], signal),
      };
    },
    async purge(signal) {
      const windows = await queries
        .deleteFrom("auth.login_attempts")
        .where("window_end", "<=", now())
        .executeTakeFirst({ signal });
      const addresses = await queries
        .deleteFrom("auth.known_addresses")
        .where("login_time", "<=", knownSince())
        .executeTakeFirst({ signal });
      return Number(windows.numDeletedRows + addresses.numDeletedRows);
    },
  };
}

/** Neither addresses nor accounts can be read from the tables. */
function bucketOf(...parts: readonly string[]): Buffer {
  return hash("sha256", JSON.stringify(parts), "buffer");
}
