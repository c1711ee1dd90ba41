// Which PostgreSQL and which Redis the scenarios run on, as a decision: the ways there are, in the order in which they are tried, and why
// one cannot be taken. Nothing is started here.

export type PostgresWay = "testcontainers" | "DATABASE_URL" | "embedded PostgreSQL";
export type RedisWay = "testcontainers" | "REDIS_URL" | "redis-server";

/** What was found around a run. */
export interface Surroundings {
  /** Why no container engine can be used; undefined: one answers. */
  readonly whyNoEngine: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  /** The program redis-server on the path. */
  readonly redisServer: string | undefined;
}

export interface Choice<W extends string> {
  readonly way: W;
  /** undefined: it may be tried. */
  readonly whyNot: string | undefined;
  /** Somebody has asked for it by name, so its failure is not passed over. */
  readonly asked?: boolean;
}

/** The embedded PostgreSQL is there always. */
export function postgresChoices({ whyNoEngine, databaseUrl }: Surroundings): readonly Choice<PostgresWay>[] {
  return [
    { way: "testcontainers", whyNot: whyNoEngine },
    { way: "DATABASE_URL", whyNot: databaseUrl ? undefined : "it is not set", asked: true },
    { way: "embedded PostgreSQL", whyNot: undefined },
  ];
}

export function redisChoices(surroundings: Surroundings): readonly Choice<RedisWay>[] {
  const { whyNoEngine, redisUrl, redisServer } = surroundings;
  return [
    { way: "testcontainers", whyNot: whyNoEngine },
    { way: "REDIS_URL", whyNot: redisUrl ? undefined : "it is not set", asked: true },
    { way: "redis-server", whyNot: redisServer ? undefined : "it is not on the path" },
  ];
}

export interface Chosen<W extends string, T> {
  /** undefined: no way led to one. */
  readonly taken: { readonly way: W; readonly server: T } | undefined;
  /** Ways tried before it, or all of them, each with the reason. */
  readonly passedOver: readonly { readonly way: W; readonly why: string }[];
}

/** Takes the first way whose start does not fail: an engine may answer and yet have no image. Fails with what is asked for by name. */
export async function firstThatStarts<W extends string, T>(
  choices: readonly Choice<W>[],
  start: (way: W) => Promise<T>,
): Promise<Chosen<W, T>> {
  const passedOver: { way: W; why: string }[] = [];
  for (const { way, whyNot, asked = false } of choices) {
    if (whyNot !== undefined) {
      passedOver.push({ way, why: whyNot });
      continue;
    }
    try {
      return { taken: { way, server: await start(way) }, passedOver };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (asked) throw new Error(`${way}: ${why}`, { cause: error });
      passedOver.push({ way, why });
    }
  }
  return { taken: undefined, passedOver };
}
