import { Metadata } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import type { ReportRpcFiguresRequest } from "#proto/ecommerce/v1/analytics.ts";
import { CallError } from "./client/call-error.ts";
import { CallSeries, CodeSeries } from "./observability/call-series.ts";
import { manualClock } from "./observability/testing/manual-clock.ts";
import { rpcFiguresReport } from "./report-rpc-figures.ts";
import { Code } from "./runtime/status.ts";
import { ecommerceSchema } from "./runtime/testing/test-server.ts";

const path = "/ecommerce.v1.OrderService/GetOrder";
const method = ecommerceSchema().methods.get(path);
if (method === undefined) throw new Error(`${path} is not in the schema`);

function setUp() {
  const clock = manualClock();
  const series = new CallSeries(method as NonNullable<typeof method>);
  const taken: ReportRpcFiguresRequest[] = [];
  let failure: Code | undefined;
  const report = rpcFiguresReport({
    analytics: {
      async reportRpcFigures(request) {
        if (failure !== undefined) throw failed(failure);
        taken.push(request);
        return {};
      },
    },
    calls: () => [series],
    instanceId: "one",
    clock,
  });
  const end = (code: Code, seconds: number): void => {
    series.byCode[code] ??= new CodeSeries();
    series.byCode[code]?.duration.observe(seconds);
  };
  const interval = async (): Promise<void> => {
    clock.advance(10_000);
    await report();
  };
  return {
    end,
    interval,
    taken,
    fail(code: Code | undefined) {
      failure = code;
    },
    counts: () => taken.flatMap(({ figures }) => figures.map(({ code, count }) => [code, count])),
  };
}

function failed(code: Code): CallError {
  const error = Object.assign(new Error("refused"), {
    code: code as number,
    details: "",
    metadata: new Metadata(),
  });
  return new CallError(path, error);
}

test("what was counted is reported once, by method and code, in intervals without a gap", async () => {
  const { end, interval, taken, counts } = setUp();
  end(Code.OK, 0.25);
  end(Code.OK, 0.5);
  await interval();
  end(Code.OK, 0.5);
  end(Code.NOT_FOUND, 1.5);
  await interval();
  await interval();
  expect(counts()).toEqual([
    [Code.OK, 2n],
    [Code.OK, 1n],
    [Code.NOT_FOUND, 1n],
  ]);
  expect(taken[0]?.figures[0]).toMatchObject({
    method: path,
    totalDuration: { seconds: 0n, nanos: 750_000_000 },
  });
  expect(taken[1]?.startTime).toEqual(taken[0]?.endTime);
});

test("a report that fails is sent again as it was, before those that follow", async () => {
  const { end, interval, taken, fail, counts } = setUp();
  end(Code.OK, 0.1);
  fail(Code.UNAVAILABLE);
  await expect(interval()).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  end(Code.OK, 0.1);
  end(Code.OK, 0.1);
  fail(undefined);
  await interval();
  expect(counts()).toEqual([
    [Code.OK, 1n],
    [Code.OK, 2n],
  ]);
  expect(taken[0]?.endTime).toEqual(taken[1]?.startTime);
});

test("what nobody takes is kept for a while and no longer", async () => {
  const { end, interval, fail, counts } = setUp();
  fail(Code.UNAVAILABLE);
  for (let n = 0; n < 40; n++) {
    end(Code.OK, 0.1);
    await interval().catch(() => {});
  }
  fail(undefined);
  end(Code.OK, 0.1);
  await interval();
  expect(counts().length).toBe(30);
});

test("where the service is not served nothing is kept", async () => {
  const { end, interval, fail, counts } = setUp();
  fail(Code.UNIMPLEMENTED);
  end(Code.OK, 0.1);
  await interval();
  fail(undefined);
  await interval();
  expect(counts()).toEqual([]);
});
