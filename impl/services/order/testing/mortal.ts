// A process that dies at a moment of its life, as far as the world can tell: from then on nothing it does has an effect. A moment comes
// before each call to another service, and after each call and each statement of the database has had its effect.
import type { KyselyPlugin } from "kysely";
import type { Database } from "#impl/storage/database.ts";

export class Death extends Error {}

export interface Mortal {
  database(database: Database<unknown>): Database<unknown>;
  /** A client whose calls are moments. */
  client<C extends object>(client: C): C;
  readonly dead: boolean;
  /** Lets the call arrive that it died over. What comes of that, nobody hears. */
  deliver(): Promise<void>;
}

/** `moment` counts from 1; it lives on when that never comes. With `asleep` it does not die, but stands still until that resolves. */
export function mortal(moment: number, asleep?: () => Promise<void>): Mortal {
  let moments = 0;
  let dead = false;
  const underWay: (() => Promise<unknown>)[] = [];
  const live = async (): Promise<void> => {
    moments += 1;
    if (moments === moment && asleep !== undefined) {
      await asleep();
    } else if (moments === moment) dead = true;
    if (dead) throw new Death(`died at moment ${moment}`);
  };
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      await live();
      return result;
    },
  };
  return {
    // A transaction that dies with its process is rolled back, by the server or as here.
    database: (database) => {
      const queries = new Proxy(database.queries.withPlugin(plugin), {
        get(target, name) {
          if (dead) throw new Death(`dead since moment ${moment}`);
          const value: unknown = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      return { ...database, queries };
    },
    client: (client) =>
      new Proxy(client, {
        get(target, name) {
          const method: unknown = Reflect.get(target, name);
          if (typeof method !== "function") return method;
          return async (request: unknown, options: object) => {
            const send = (): Promise<unknown> =>
              method.call(target, request, { ...options, signal: undefined });
            const alive = !dead;
            try {
              await live();
            } catch (death) {
              if (alive) underWay.push(send);
              throw death;
            }
            const answer: unknown = await method.call(target, request, options);
            await live();
            return answer;
          };
        },
      }),
    get dead() {
      return dead;
    },
    async deliver() {
      await Promise.allSettled(underWay.map((send) => send()));
    },
  };
}
