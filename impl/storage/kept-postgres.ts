// An embedded PostgreSQL that is started again when it ends unasked, at the same address: to those who use it, a crash of the server is a
// time of UNAVAILABLE. What was committed is there again; what was not is gone, as PostgreSQL promises.
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from "./embedded-postgres.ts";

export type KeptPostgres = {
  /** As of EmbeddedPostgres, the same for ever. */
  readonly url: string;
  /** Of the server that runs now; undefined while none does. */
  readonly pid: () => number | undefined;
  /** Ends the server for good. May be called twice. */
  readonly stop: () => Promise<void>;
};

const firstPauseMs = 100;
const longestPauseMs = 5_000;

/** Fails with EmbeddedPostgresError when the first start does; later ones are tried for ever. */
export async function keepEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<KeptPostgres> {
  const first = await startEmbeddedPostgres(options);
  const stopped = new AbortController();
  let current: EmbeddedPostgres | undefined = first;

  const keep = async (server: EmbeddedPostgres): Promise<void> => {
    for (let running = server; ; ) {
      await running.ended;
      current = undefined;
      // Also lets go of the data directory, which the next start claims.
      await running.stop();
      const next = await startAgain({ ...options, port: first.port }, stopped.signal);
      if (next === undefined) return;
      running = current = next;
      if (stopped.signal.aborted) await next.stop();
    }
  };
  const kept = keep(first);
  return {
    url: first.url,
    pid: () => current?.pid,
    async stop() {
      stopped.abort();
      await current?.stop();
      await kept;
    },
  };
}

/** Undefined when it was stopped before it could start. */
async function startAgain(
  options: EmbeddedPostgresOptions,
  signal: AbortSignal,
): Promise<EmbeddedPostgres | undefined> {
  for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      return await startEmbeddedPostgres(options);
    } catch (error) {
      options.log.error({ err: error }, "embedded PostgreSQL could not be started again");
      await options.sleep(pauseMs);
    }
  }
  return undefined;
}
