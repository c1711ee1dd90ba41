import { expect, test } from "vitest";
import { echoPath, startEcho } from "#impl/client/testing/echo.ts";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { Code } from "./status.ts";
import { text } from "./testing/echo-service.ts";
import { grpcFrame, rawConnection, rawReply } from "./testing/raw-client.ts";
import { until } from "./testing/turns.ts";

test("a unary call whose caller never finishes its request ends, and an ordinary one does not notice", async () => {
  const clock = manualClock();
  const answer = Promise.withResolvers<string>();
  await using echo = await startEcho(
    { unary: {} },
    { unary: () => answer.promise },
    { clock, limits: { requestTimeoutMs: 1_000, readerTimeoutMs: 1_000 } },
  );
  await using raw = await rawConnection(echo.server.address);
  const { server } = echo;
  const request = grpcFrame(text.encode("a").finish());

  const idle = raw.open(echoPath("unary"));
  const halfway = raw.open(echoPath("unary"));
  halfway.write(request);
  const ordinary = raw.call(echoPath("unary"), request);
  await until(() => server.openCalls === 3);
  const replies = Promise.all([rawReply(idle), rawReply(halfway)]);
  clock.advance(999);
  expect(server.openCalls).toBe(3);
  clock.advance(1_001);
  expect(server.openCalls).toBe(1);
  idle.end();
  halfway.end();
  for (const reply of await replies)
    expect(reply.headers["grpc-status"]).toBe(String(Code.DEADLINE_EXCEEDED));
  answer.resolve("late but well");
  expect((await ordinary).trailers["grpc-status"]).toBe("0");
  clock.advance(1_000);
  expect(clock.pending).toBe(0);
});
