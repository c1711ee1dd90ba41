// The server of the overload benchmark, in a process of its own: `node overload-server.ts cpu|pool <link names>`. A GetUser that computes
// for CPU_MICROS, or one that takes one of POOL_SIZE places for POOL_MS, first come, first served, as statements do in a database's pool.
// Tells its parent its port.

import type { LinkName } from "#impl/middleware/chain.ts";
import { sleep, systemClock } from "#impl/runtime/clock.ts";
import { implement } from "#impl/runtime/service.ts";
import { ecommerceSchema, startTestServer } from "#impl/runtime/testing/test-server.ts";
import { UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { createBenchChain } from "./bench-chain.ts";
import { answer } from "./user-answer.ts";

const CPU_MICROS = 1_000;
const POOL_SIZE = 10;
const POOL_MS = 10;

/** CPU time, so that a neighbour on the machine does no work for it. */
function compute(): void {
  const used = (): number => {
    const { user, system } = process.threadCpuUsage();
    return user + system;
  };
  const until = used() + CPU_MICROS;
  while (used() < until);
}

const waiting: Array<() => void> = [];
let free = POOL_SIZE;

async function usePool(): Promise<void> {
  if (free > 0) free -= 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  await sleep(systemClock, POOL_MS);
  const next = waiting.shift();
  if (next === undefined) free += 1;
  else next();
}

const [work, names = ""] = process.argv.slice(2);
const schema = ecommerceSchema();
// With the limits of a production configuration.
const { only } = await createBenchChain(schema, {});
const server = await startTestServer({
  schema,
  services: [
    implement(UserServiceDefinition, {
      async getUser({ userId }) {
        if (work === "cpu") compute();
        else await usePool();
        return answer(userId);
      },
    }),
  ],
  links: only(...(names.split(",") as LinkName[])),
  record: false,
});
process.once("disconnect", () => process.exit());
process.send?.({ port: server.port });
