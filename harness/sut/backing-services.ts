// The PostgreSQL and the Redis of a run of scenarios: found, started where that is the way, and stopped at the end.

import { Redis } from "ioredis";
import {
  type Chosen,
  firstThatStarts,
  type PostgresWay,
  postgresChoices,
  type RedisWay,
  redisChoices,
  type Surroundings,
} from "./backing-choice.ts";
import type { BackingServer } from "./backing-server.ts";
import { startPostgresContainer, startRedisContainer, whyNoEngine } from "./containers.ts";
import { serverVersion } from "./databases.ts";
import { findRedisServer, startRedisServer } from "./redis-server.ts";

export interface BackingServices {
  /** undefined: the embedded one of the test run. */
  readonly databaseUrl: string | undefined;
  /** undefined: there is none. */
  readonly redisUrl: string | undefined;
  /** Which one runs, and what was passed over for what reason: a line each. */
  readonly notes: readonly string[];
  stop(): Promise<void>;
}

/** Major version; the shop itself refuses an older one. */
const OLDEST_POSTGRES = 18;

type Environment = Readonly<Record<string, string | undefined>>;

export async function openBackingServices(environment: Environment): Promise<BackingServices> {
  const surroundings: Surroundings = {
    whyNoEngine: await whyNoEngine(),
    databaseUrl: environment.DATABASE_URL,
    redisUrl: environment.REDIS_URL,
    redisServer: await findRedisServer(environment.PATH ?? ""),
  };
  const postgres = await firstThatStarts(postgresChoices(surroundings), (way) =>
    startPostgres(way, surroundings),
  );
  const redis = await firstThatStarts(redisChoices(surroundings), (way) => startRedis(way, surroundings));
  return {
    databaseUrl: postgres.taken?.server?.url,
    redisUrl: redis.taken?.server.url,
    notes: [...notesOf(await named(postgres), postgres), ...notesOf("Redis", redis)],
    async stop() {
      await Promise.all([postgres.taken?.server?.stop(), redis.taken?.server.stop()]);
    },
  };
}

/** undefined for the embedded one, which the test run starts when it is asked for. */
async function startPostgres(way: PostgresWay, { databaseUrl }: Surroundings) {
  switch (way) {
    case "testcontainers":
      return startPostgresContainer();
    case "DATABASE_URL": {
      const url = databaseUrl ?? "";
      const version = await serverVersion(url);
      if (Number.parseInt(version, 10) < OLDEST_POSTGRES) {
        throw new Error(`PostgreSQL ${version} is too old: ${OLDEST_POSTGRES} or newer is needed`);
      }
      return given(url);
    }
    case "embedded PostgreSQL":
      return undefined;
  }
}

async function startRedis(way: RedisWay, { redisUrl, redisServer }: Surroundings): Promise<BackingServer> {
  switch (way) {
    case "testcontainers":
      return startRedisContainer();
    case "REDIS_URL":
      return answering(redisUrl ?? "");
    case "redis-server":
      return startRedisServer(redisServer ?? "");
  }
}

/** Somebody else's: it stays when the run has ended. */
function given(url: string): BackingServer {
  return { url, stop: async () => {} };
}

async function answering(url: string): Promise<BackingServer> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  redis.on("error", () => {});
  try {
    await redis.connect();
    await redis.ping();
    return given(url);
  } finally {
    redis.disconnect();
  }
}

async function named({ taken }: Chosen<PostgresWay, BackingServer | undefined>): Promise<string> {
  return taken?.server === undefined ? "PostgreSQL" : `PostgreSQL ${await serverVersion(taken.server.url)}`;
}

function notesOf<W extends string>(what: string, { taken, passedOver }: Chosen<W, unknown>): string[] {
  return [
    taken === undefined ? `${what}: none` : `${what}: by ${taken.way}`,
    ...passedOver.map(({ way, why }) => `skipped: ${what} by ${way}: ${why.split("\n")[0]}`),
  ];
}
