// The two arms: what differs between them is the code, the database with equal content, and the ids in the requests.

import { prepareWorkloads } from "#harness/experiment/prepare-workloads.ts";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { catalogueOf, emailOf } from "#harness/sut/catalogue.ts";
import { settleDatabase } from "#harness/sut/databases.ts";
import { seedShop } from "#harness/sut/seed-shop.ts";
import type { RunningSystem } from "#harness/sut/start-system.ts";
import type { Shop } from "#harness/workload/shop.ts";
import { connect } from "#wire/client.ts";
import type { PreparedRequest } from "#wire/prepared-request.ts";

export type ArmName = "base" | "head";
export const armNames: readonly ArmName[] = ["base", "head"];

export interface GateArm {
  readonly name: ArmName;
  /** The same call in both arms for one index. */
  readonly request: (index: number) => PreparedRequest;
  start(): Promise<RunningSystem>;
}

export interface GateArmOptions {
  readonly name: ArmName;
  readonly databaseUrl: string;
  readonly shop: Shop;
  readonly seed: number;
  readonly token: string;
  readonly start: () => Promise<RunningSystem>;
}

/** A page of search results among so many reads of single things. */
const readsForASearch = 9;

export interface PreparedArm {
  readonly arm: GateArm;
  readonly description: string;
  readonly refused: number;
}

/** Starts it once, so that its own code makes its schema and imports the shop. */
export async function prepareArm(options: GateArmOptions): Promise<PreparedArm> {
  const { name, databaseUrl, shop, seed, token, start } = options;
  const system = await start();
  try {
    const connection = await connect(system.grpc);
    try {
      const seeded = await seedShop({ connection, token, shop: catalogueOf(shop) });
      const random = seededRandom(seed);
      const [reads, searches] = await prepareWorkloads({ connection, token, seeded, shop, emailOf, random });
      if (reads === undefined || searches === undefined) throw new Error("the gate needs two workloads");
      await settleDatabase(databaseUrl);
      const every = readsForASearch + 1;
      const request = (index: number) =>
        index % every === readsForASearch
          ? searches.request(Math.floor(index / every))
          : reads.request(index - Math.floor(index / every));
      return {
        arm: { name, request, start },
        description: `of ${every} calls ${readsForASearch} reads and a search: ${reads.description}; ${searches.description}`,
        refused: seeded.refused.reduce((sum, { count }) => sum + count, 0),
      };
    } finally {
      await connection.close();
    }
  } finally {
    await system.stop();
  }
}
