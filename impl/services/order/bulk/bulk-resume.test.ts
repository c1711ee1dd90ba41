import { fork } from "node:child_process";
import { once } from "node:events";
import fc from "fast-check";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { failure, present } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import {
  BulkAtomicity,
  BulkJobState,
  type ProcessBulkOrdersRequest,
  type ProcessBulkOrdersResponse,
} from "#proto/ecommerce/v1/order_bulk.ts";

import {
  bulkFixture,
  jobCounts,
  type OrderClient,
  orderClient,
  SOON,
  storedOrders,
} from "./testing/bulk-fixture.ts";
import { header, lamps, manyLamps } from "./testing/bulk-requests.ts";

const shop = await bulkFixture();
const { client, productId, database } = shop;
const processes = [client, await shop.secondProcess()];
const { BULK_ATOMICITY_PER_ORDER, BULK_ATOMICITY_PER_BATCH } = BulkAtomicity;

/** What is left in the end: nothing of it may depend on how often the stream was cut. */
async function endState(jobId: string, { job, rejections }: ProcessBulkOrdersResponse) {
  const { rows } = await sql`
    select (select count(*) from orders.sagas join orders.orders using (order_id) where bulk_job_id = ${jobId}) as sagas,
      (select count(*) from orders.outbox where keys @> ${[`bulk/${jobId}`]}::text[]) as events`.execute(
    database.queries,
  );
  const same = { jobId: "", createTime: undefined, updateTime: undefined, completeTime: undefined };
  return { job: { ...present(job), ...same }, rejections, orders: await storedOrders(shop, jobId), rows };
}

interface Cut {
  /** Messages that are sent before. */
  readonly after: number;
  /** Whether the server has first stored all batches that it can know to be whole. */
  readonly patient: boolean;
}

async function sendAndCut(
  caller: OrderClient,
  messages: readonly ProcessBulkOrdersRequest[],
  { jobId, batchSize }: { readonly jobId: string; readonly batchSize: number },
  { after, patient }: Cut,
): Promise<void> {
  const cut = new AbortController();
  const orders = Math.min(after, messages.length) - 1;
  const whole = Math.max(0, orders - 1 - ((orders - 1) % batchSize));
  async function* some() {
    yield* messages.slice(0, after);
    if (patient && orders >= 0) {
      const next = async () => (await jobCounts(shop, jobId))?.nextPosition;
      await expect.poll(next, SOON).toBeGreaterThanOrEqual(whole);
    }
    cut.abort();
    yield* messages.slice(after, after + 1);
  }
  await failure(caller.processBulkOrders(some(), { signal: cut.signal }));
}

/** An order that is taken, or one that is rejected by one or the other rule. */
const KINDS = {
  sound: (position: number) => lamps(productId, position),
  invalid: (position: number) => lamps(productId, position, { lines: [] }),
  unknown: (position: number) => lamps("0192f000-0000-7000-8000-000000000001", position),
};

interface Story {
  readonly kinds: readonly (keyof typeof KINDS)[];
  readonly batchSize: number;
  readonly atomicity: BulkAtomicity;
  readonly cuts: readonly Cut[];
}

/** Through one process and the other by turns. */
async function tell({ kinds, batchSize, atomicity, cuts }: Story) {
  const job = header({ batchSize, atomicity });
  const messages = [job, ...kinds.map((kind, position) => KINDS[kind](position))];
  for (const [turn, cut] of cuts.entries()) {
    await sendAndCut(present(processes[turn % 2]), messages, { jobId: job.jobId, batchSize }, cut);
  }
  return endState(job.jobId, await present(processes[cuts.length % 2]).processBulkOrders(messages));
}

test.each([
  ["order", BULK_ATOMICITY_PER_ORDER],
  ["batch", BULK_ATOMICITY_PER_BATCH],
])(
  "a stream that is cut after any of its messages comes to the same end as a whole one, per %s",
  async (_, atomicity) => {
    const kinds = ["sound", "sound", "sound", "invalid", "sound", "sound", "sound"] as const;
    const story = { kinds, batchSize: 2, atomicity, cuts: [] };
    const whole = await tell(story);
    const ends = await Promise.all(
      Array.from({ length: kinds.length + 2 }, (_, after) =>
        tell({ ...story, cuts: [{ after, patient: after % 2 === 0 }] }),
      ),
    );
    for (const end of ends) expect(end).toEqual(whole);
  },
);

test("any job that is cut anywhere, any number of times, comes to the same end as one that is not", async () => {
  const story = fc.record({
    kinds: fc.array(fc.constantFrom("sound", "sound", "sound", "sound", "invalid", "unknown" as const), {
      maxLength: 9,
    }),
    batchSize: fc.integer({ min: 1, max: 4 }),
    atomicity: fc.constantFrom(BULK_ATOMICITY_PER_ORDER, BULK_ATOMICITY_PER_BATCH),
    cuts: fc.array(fc.record({ after: fc.nat(10), patient: fc.boolean() }), { minLength: 1, maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(story, async (told) => {
      const [cut, whole] = await Promise.all([tell(told), tell({ ...told, cuts: [] })]);
      expect(cut).toEqual(whole);
    }),
    { numRuns: 8 },
  );
});

/** What fails in the transaction of a batch: the count of its orders, which is its last statement, and then its commit. */
const FAULTS = {
  "last statement": "create trigger fault before update of accepted_count on orders.bulk_jobs for each row",
  commit:
    "create constraint trigger fault after insert on orders.sagas deferrable initially deferred for each row",
};

test.each(Object.entries(FAULTS))("a batch whose %s fails has left nothing behind", async (_, trigger) => {
  const run = (statement: string) => sql.raw(statement).execute(database.queries);
  await run(
    `create function orders.fail() returns trigger language plpgsql as $$ begin raise 'fault'; end $$`,
  );
  const job = header();
  const messages = [job, ...manyLamps(productId, 4)];
  await run(`${trigger} execute function orders.fail()`);
  expect((await failure(client.processBulkOrders(messages))).code).toBe(Code.INTERNAL);
  await run("drop function orders.fail cascade");
  expect(await jobCounts(shop, job.jobId)).toMatchObject({ accepted: 0, nextPosition: 0 });
  expect(await storedOrders(shop, job.jobId)).toEqual([]);
  const answer = await client.processBulkOrders(messages);
  expect(answer).toMatchObject({ skippedCount: 0n, job: { acceptedCount: 4n } });
});

test("a job whose process is killed is interrupted, and goes on through another with nothing twice", async () => {
  const script = new URL("./testing/bulk-server-process.ts", import.meta.url);
  const child = fork(script, [database.url, shop.catalogue.server.address]);
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const [address] = await once(child, "message");
  const job = header();
  const watch = async () => {
    for await (const { event } of client.watchBulkJob({
      jobId: job.jobId,
      heartbeatInterval: undefined,
      resumeToken: "",
    })) {
      if (event?.$case === "progress") return event.value.job;
    }
    return undefined;
  };
  async function* messages() {
    yield* [job, ...manyLamps(productId, 5)];
    await expect.poll(async () => (await jobCounts(shop, job.jobId))?.accepted, SOON).toBe(3);
    expect((await watch())?.state).toBe(BulkJobState.BULK_JOB_STATE_RECEIVING);
    child.kill("SIGKILL");
    await new Promise(() => {});
  }
  await failure(orderClient(String(address)).processBulkOrders(messages()));
  await expect.poll(async () => (await watch())?.state, SOON).toBe(BulkJobState.BULK_JOB_STATE_INTERRUPTED);
  const answer = await client.processBulkOrders([job, ...manyLamps(productId, 8)]);
  expect(answer).toMatchObject({ skippedCount: 3n, job: { acceptedCount: 8n, nextPosition: 8n } });
  expect((await storedOrders(shop, job.jobId)).map(({ position }) => position)).toEqual([...Array(8).keys()]);
});
