// A server with small limits to attack, and what must hold after every attack.
import { expect } from "vitest";
import { type Echo, type EchoOptions, startEcho } from "#impl/client/testing/echo.ts";
import { until } from "#impl/runtime/testing/turns.ts";

export const METHODS = {
  unary: {},
  size: {},
  big: {},
  expand: { responseStream: true },
  collect: { requestStream: true },
  chat: { requestStream: true, responseStream: true },
} as const;

export const MAX_MESSAGE_BYTES = 256 * 1024;

/** A header that must not reach a handler with a line break in it. */
export const SPLIT = "x-split";

export type HostileServer = Echo<typeof METHODS>;

export function startHostileServer(
  limits: EchoOptions["limits"] = {},
  options: Partial<EchoOptions> = {},
): Promise<HostileServer> {
  return startEcho(
    METHODS,
    {
      unary(request, call) {
        if (call.metadata.get(SPLIT)?.includes("\n")) throw new Error("a line break came through");
        return request;
      },
      size: (request) => String(request.length),
      big: (size) => "x".repeat(Number(size)),
      async *expand(request) {
        for (;;) yield request;
      },
      async collect(requests) {
        let bytes = 0;
        for await (const request of requests) bytes += request.length;
        return String(bytes);
      },
      async *chat(requests) {
        yield* requests;
      },
    },
    { ...options, limits: { maxMessageBytes: MAX_MESSAGE_BYTES, ...limits } },
  );
}

/** Another caller is answered, nothing stays open, and nobody is told of a defect. */
export async function expectHealthy({ client, server }: HostileServer): Promise<void> {
  // The other caller may have met a limit that is short for the test's sake, on a machine that was busy; then he calls again.
  await expect.poll(() => client.unary("healthy").catch(String)).toBe("healthy");
  await until(() => server.openCalls === 0);
  expect(server.log.filter(({ level }) => level === "error")).toEqual([]);
}
