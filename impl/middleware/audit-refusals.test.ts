import { generateKeyPair, SignJWT } from "jose";
import { expect, test } from "vitest";
import { startEcho } from "#impl/client/testing/echo.ts";
import { createAudit } from "#impl/observability/audit.ts";
import { memoryOutput } from "#impl/observability/testing/memory-output.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { permissionDenied, unauthenticated } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { auditRefusals } from "./audit-refusals.ts";

const PATH = "/testing.v1.EchoService/unary";
const TRACE = "0af7651916cd43dd8448eb211c80319c";

/** A server behind the link that refuses as a call's metadata asks for. */
async function startRefusing() {
  const output = memoryOutput();
  const refuse: Link = (_, next) => (call, input) => {
    if (call.metadata.get("test-known") !== undefined) {
      call.principal = { userId: "ann", roles: [], permissions: new Set(), apiKeyId: "key-1" };
      call.onBehalfOf = { userId: "bob" };
      throw permissionDenied(["users.write"]);
    }
    if (call.metadata.get("test-fine") === undefined)
      throw unauthenticated(call.metadata.get("test-reason") ?? "TOKEN_INVALID", "not valid");
    return next(call, input);
  };
  const echo = await startEcho(
    { unary: {} },
    { unary: (request) => request },
    { links: () => [auditRefusals(createAudit({ clock: systemClock, output })), refuse] },
  );
  return { echo, output };
}

async function tokenOf(subject: string): Promise<string> {
  const { privateKey } = await generateKeyPair("EdDSA");
  return new SignJWT({}).setProtectedHeader({ alg: "EdDSA" }).setSubject(subject).sign(privateKey);
}

test.each([
  ["an access token", async () => ({ authorization: `Bearer ${await tokenOf("ann")}` }), "access_token"],
  [
    "a token of a service",
    async () => ({ authorization: `Bearer ${await tokenOf("service:x")}` }),
    "service_token",
  ],
  ["what is no token", async () => ({ authorization: "Bearer planted" }), "access_token"],
  ["an API key", async () => ({ "x-api-key": "planted" }), "api_key"],
  [
    "a delegation",
    async () => ({ authorization: "Bearer planted", "test-reason": "DELEGATION_INVALID" }),
    "delegation",
  ],
])("%s that is refused is told, without itself", async (_, credentials, credential) => {
  const { echo, output } = await startRefusing();
  await using _echo = echo;
  const metadata: Record<string, string> = await credentials();
  await expect(echo.client.unary("", { metadata })).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  await expect.poll(() => output.lines().length).toBe(1);
  expect(output.lines()).toEqual([
    {
      stream: "audit",
      time: expect.any(Number),
      event: "credentials_refused",
      outcome: "denied",
      credential,
      reason: metadata["test-reason"] ?? "TOKEN_INVALID",
      method: PATH,
      address: "127.0.0.1",
    },
  ]);
  expect(output.text).not.toContain(metadata.authorization ?? "planted");
  expect(output.text).not.toContain("planted");
});

test("who may not do something is told with the key it used, for whom it called, and the trace", async () => {
  const { echo, output } = await startRefusing();
  await using _echo = echo;
  const metadata = { "test-known": "1", traceparent: `00-${TRACE}-b7ad6b7169203331-00` };
  await expect(echo.client.unary("", { metadata })).rejects.toMatchObject({ code: Code.PERMISSION_DENIED });
  await expect.poll(() => output.lines().length).toBe(1);
  expect(output.lines()).toMatchObject([
    {
      event: "permission_denied",
      reason: "PERMISSION_MISSING",
      caller: "ann",
      callerKey: "key-1",
      onBehalfOf: "bob",
      traceId: TRACE,
    },
  ]);
});

test("calls that go well, and calls without credentials, are no events", async () => {
  const { echo, output } = await startRefusing();
  await using _echo = echo;
  await echo.client.unary("", { metadata: { "test-fine": "1" } });
  await expect(echo.client.unary("")).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  await expect.poll(() => echo.server.ended.length).toBe(2);
  expect(output.text).toBe("");
});
