import { expect, test } from "vitest";
import { present } from "#impl/client/testing/answers.ts";
import { BulkAtomicity, BulkJobState } from "#proto/ecommerce/v1/order_bulk.ts";
import { ListOrdersRequest } from "#proto/ecommerce/v1/order_service.ts";
import { draft, startOrders, status } from "../testing/order-fixture.ts";
import { header, orderAt } from "./testing/bulk-requests.ts";

const DECLINED = "4000000000000002";

const orders = await startOrders();
const { shop, client } = orders;

test("the orders of a job are processed to their ends like any other, and the job is complete with the last one", async () => {
  const [scarce, plenty] = [await shop.product(2n, 500n), await shop.product(100n, 700n)];
  const messages = await Promise.all(
    Array.from({ length: 12 }, async (_, position) => {
      const productId = position % 3 === 0 ? scarce : plenty;
      const paymentMethodToken = await shop.token(position === 7 || position === 10 ? DECLINED : undefined);
      return orderAt(position, await draft(shop, [{ productId }], { paymentMethodToken }));
    }),
  );
  const job = header({ atomicity: BulkAtomicity.BULK_ATOMICITY_PER_BATCH, batchSize: 5 });
  const answer = await client.processBulkOrders([job, ...messages]);
  expect(answer.job).toMatchObject({ acceptedCount: 12n, rejectedCount: 0n });
  const request = { jobId: job.jobId, heartbeatInterval: undefined, resumeToken: "" };
  const seen = await Array.fromAsync(client.watchBulkJob(request, { signal: AbortSignal.timeout(15_000) }));
  const last = present(seen.at(-1)).event;
  expect(last).toMatchObject({
    $case: "progress",
    value: { job: { state: BulkJobState.BULK_JOB_STATE_COMPLETED, succeededCount: 8n, failedCount: 4n } },
  });
  const list = await client.listOrders(ListOrdersRequest.fromPartial({ bulkJobId: job.jobId }));
  expect(list.orders.map(({ bulkPosition }) => Number(bulkPosition))).toEqual([...Array(12).keys()]);
  const states = list.orders.map(status);
  expect(states.filter((state, position) => position % 3 === 0 && state === "OUT_OF_STOCK")).toHaveLength(2);
  expect(states.filter((state) => state === "PAYMENT_FAILED")).toHaveLength(2);
  expect(states.filter((state) => state === "PROCESSING")).toHaveLength(8);
});
