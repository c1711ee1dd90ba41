import { expect, test } from "vitest";
import { startEcho } from "#impl/client/testing/echo.ts";
import { FORWARDED_PEER_KEY } from "#impl/runtime/call.ts";
import { forwardedPeer } from "./forwarded-peer.ts";

const methods = { unary: {} } as const;

/** The peer of a call from this machine that says it is from elsewhere. */
async function peerBehind(trusted: readonly string[]): Promise<string> {
  await using echo = await startEcho(
    methods,
    { unary: (_, call) => call.peer },
    { links: () => [forwardedPeer(trusted)] },
  );
  return await echo.client.unary("", { metadata: { [FORWARDED_PEER_KEY]: "203.0.113.7:4711" } });
}

test.each([[["127.0.0.0/8"]], [["10.0.0.0/8", "127.0.0.1"]]])(
  "a gateway in %j is believed",
  async (trusted) => {
    expect(await peerBehind(trusted)).toBe("203.0.113.7:4711");
  },
);

test.each([[[]], [["10.0.0.0/8", "::1"]]])("a caller outside of %j is not", async (trusted) => {
  expect(await peerBehind(trusted)).toMatch(/^127\.0\.0\.1:\d+$/);
});

test.each(["10.0.0.0/33", "gateway", "/8", ""])('"%s" is no network', (network) => {
  expect(() => forwardedPeer([network])).toThrow("is not an address or a network");
});
