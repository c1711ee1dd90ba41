import { Metadata } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { CallError } from "#impl/client/call-error.ts";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import type { LiveMessage } from "./live-topics.ts";
import { resumedTopic } from "./resumed-topic.ts";

const { signal } = new AbortController();

function failing(code: Code): CallError {
  const error = Object.assign(new Error("the service"), { code, details: "", metadata: new Metadata() });
  return new CallError("/ecommerce.v1.InventoryService/WatchStock", error);
}

/** A service whose every stream tells the numbers of `lives` after its token, and then breaks. */
function service(lives: readonly number[], end: Error = failing(Code.UNAVAILABLE)) {
  const left = [...lives];
  const opened: string[] = [];
  const open = async function* (resumeToken: string): AsyncGenerator<LiveMessage> {
    opened.push(resumeToken);
    const life = left.shift() ?? 0;
    for (let n = 1; n <= life; n++) yield { event: undefined, resumeToken: `${Number(resumeToken) + n}` };
    throw end;
  };
  return { open, opened };
}

test("a topic whose stream breaks goes on after its last message, until its service is gone for too long", async () => {
  const clock = manualClock();
  const { open, opened } = service([2, 0, 1]);
  const told: string[] = [];
  const reading = (async () => {
    for await (const { resumeToken } of resumedTopic(open, "", clock, signal)) told.push(resumeToken);
  })();
  let failed: unknown;
  reading.catch((error: unknown) => (failed = error));
  for (let seconds = 0; failed === undefined && seconds < 60; seconds++) {
    await until(() => clock.pending > 0 || failed !== undefined);
    clock.advance(1_000);
  }
  await expect(reading).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  expect(told).toEqual(["1", "2", "3"]);
  expect(opened.slice(0, 4)).toEqual(["", "2", "2", "3"]);
  // Ten seconds after the last message.
  expect(opened).toHaveLength(13);
});

test("one that never began, or that its service refuses, fails at once", async () => {
  const clock = manualClock();
  const absent = service([]);
  await expect(Array.fromAsync(resumedTopic(absent.open, "", clock, signal))).rejects.toMatchObject({
    code: Code.UNAVAILABLE,
  });
  const refusing = service([1], failing(Code.OUT_OF_RANGE));
  await expect(Array.fromAsync(resumedTopic(refusing.open, "", clock, signal))).rejects.toMatchObject({
    code: Code.OUT_OF_RANGE,
  });
  expect([absent.opened, refusing.opened]).toEqual([[""], [""]]);
});
