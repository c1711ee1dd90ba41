import { type CryptoKey, exportJWK, generateKeyPair, type JSONWebKeySet } from "jose";
import { beforeAll, expect, test } from "vitest";
import { createTokenVerifier, type VerifyToken } from "#impl/auth/access-token.ts";
import { signToken } from "#impl/auth/sign-token.ts";
import { keysOfSet } from "#impl/auth/trusted-keys.ts";
import { startEcho } from "#impl/client/testing/echo.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { authenticate } from "./authenticate.ts";
import { verifiersOfTokens } from "./testing/verifiers.ts";

const methods = {
  unary: {},
  expand: { responseStream: true },
  collect: { requestStream: true },
  chat: { requestStream: true, responseStream: true },
} as const;
const kinds = ["unary", "expand", "collect", "chat"] as const;

let keys: JSONWebKeySet;
let privateKey: CryptoKey;
beforeAll(async () => {
  const pair = await generateKeyPair("EdDSA", { extractable: true });
  privateKey = pair.privateKey;
  keys = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: "k", alg: "EdDSA" }] };
});

/** A server that answers with who calls. */
async function startAsking(
  verify: VerifyToken = createTokenVerifier({ keys: keysOfSet(keys), clock: systemClock }),
) {
  let reached = 0;
  const who = (call: { principal: { userId: string } | undefined }): string => {
    reached += 1;
    return call.principal?.userId ?? "nobody";
  };
  const echo = await startEcho(
    methods,
    {
      unary: (_, call) => who(call),
      async *expand(_, call) {
        yield who(call);
      },
      collect: async (_, call) => who(call),
      async *chat(_, call) {
        yield who(call);
      },
    },
    { links: () => [authenticate(verifiersOfTokens(verify))] },
  );
  const { client } = echo;
  const ask = async (
    kind: (typeof kinds)[number],
    authorization?: string,
    signal?: AbortSignal,
  ): Promise<string> => {
    const options = {
      ...(authorization === undefined ? {} : { metadata: { authorization } }),
      ...(signal === undefined ? {} : { signal }),
    };
    switch (kind) {
      case "unary":
        return client.unary("", options);
      case "expand":
        return (await Array.fromAsync(client.expand("", options))).join("");
      case "collect":
        return client.collect(["a"], options);
      case "chat":
        return (await Array.fromAsync(client.chat(["a"], options))).join("");
    }
  };
  return { echo, ask, reached: () => reached };
}

const token = (): Promise<string> =>
  signToken(
    { keyId: "k", privateKey },
    { userId: "ann", roles: [], permissions: [], lifetimeSeconds: 60 },
    systemClock,
  );

test.each(kinds)("%s: the handler knows the caller, at the first call and at the next", async (kind) => {
  const { echo, ask } = await startAsking();
  await using _ = echo;
  const good = await token();
  expect(await ask(kind, `Bearer ${good}`)).toBe("ann");
  expect(await ask(kind, `bearer ${good}`)).toBe("ann");
  expect(await ask(kind)).toBe("nobody");
});

test.each([
  ["Basic dXNlcjpwYXNz", "CREDENTIALS_UNKNOWN"],
  ["Bearer", "CREDENTIALS_UNKNOWN"],
  ["", "CREDENTIALS_UNKNOWN"],
  ["Bearer nonsense", "TOKEN_INVALID"],
])(
  "credentials %j are refused in every kind of call, and name nothing of themselves",
  async (authorization, reason) => {
    const { echo, ask, reached } = await startAsking();
    await using _ = echo;
    for (const kind of kinds) {
      const error = await ask(kind, authorization).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: Code.UNAUTHENTICATED, reason });
      expect(String(error)).not.toContain("nonsense");
    }
    expect(reached()).toBe(0);
  },
);

test.each(kinds)("%s: a caller who leaves while the token is verified has no effect", async (kind) => {
  const verified = Promise.withResolvers<{ userId: string; roles: []; permissions: Set<string> }>();
  const { echo, ask, reached } = await startAsking(() => verified.promise);
  await using _ = echo;
  const controller = new AbortController();
  const asking = ask(kind, "Bearer slow", controller.signal);
  asking.catch(() => {});
  await until(() => echo.server.openCalls === 1);
  controller.abort();
  await until(() => echo.server.openCalls === 0);
  verified.resolve({ userId: "ann", roles: [], permissions: new Set() });
  await expect(asking).rejects.toMatchObject({ code: Code.CANCELLED });
  expect(reached()).toBe(0);
});

test("a verifier that fails by itself is INTERNAL, and nobody gets through", async () => {
  const { echo, ask, reached } = await startAsking(() => Promise.reject(new Error("the key store is gone")));
  await using _ = echo;
  await expect(ask("unary", "Bearer x")).rejects.toMatchObject({ code: Code.INTERNAL });
  expect(reached()).toBe(0);
});
