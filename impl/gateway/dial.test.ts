import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type DevelopmentCertificates,
  makeDevelopmentCertificates,
} from "#impl/auth/development-certificates.ts";
import { openServerCredentials } from "#impl/auth/server-credentials.ts";
import type { ChannelTls } from "#impl/client/channel-credentials.ts";
import { staticDiscovery } from "#impl/client/discovery.ts";
import { type Echo, startEcho } from "#impl/client/testing/echo.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { dialer } from "./dial.ts";
import { failureOf, startGateway } from "./testing/forwarding-fixture.ts";

const methods = { unary: {}, expand: { responseStream: true } } as const;
const log = recordingLogger([]);
const { signal } = new AbortController();
let folder: string;
let ours: DevelopmentCertificates;
/** Of an authority that nobody here trusts. */
let others: DevelopmentCertificates;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gateway-tls-"));
  const make = (name: string) =>
    makeDevelopmentCertificates(join(folder, name), { hosts: [], now: systemClock.now() });
  [ours, others] = await Promise.all([make("ours"), make("others")]);
});
afterAll(() => rm(folder, { recursive: true }));

/** A backend over TLS, that with `clientCaFile` lets in only callers with a certificate. */
async function startBackend(clientCaFile?: string): Promise<Echo<typeof methods>> {
  const tls = await openServerCredentials(
    {
      certFile: ours.serverCert,
      keyFile: ours.serverKey,
      clientCaFile,
      minVersion: "TLSv1.2",
      reloadMs: 60_000,
    },
    { clock: systemClock, log },
  );
  await tls.stop();
  return startEcho(
    methods,
    {
      unary: (request) => request,
      async *expand(request) {
        for (const letter of request) yield letter;
      },
    },
    { credentials: tls.credentials },
  );
}

const dial = (address: string, tls: ChannelTls) => dialer({ maxMessageBytes: 4_096, tls })(address)(signal);
const clientPair = ({ clientCert, clientKey }: DevelopmentCertificates) => ({
  certFile: clientCert,
  keyFile: clientKey,
});

describe("a backend over TLS", () => {
  test("is called once its certificate is that of an authority we trust, and for its name", async () => {
    await using backend = await startBackend();
    await using front = await startGateway(methods, staticDiscovery([backend.server.address]), {
      tls: { caFile: ours.ca },
    });
    expect(await front.client.unary("a")).toBe("a");
    expect(await Array.fromAsync(front.client.expand("abc"))).toEqual(["a", "b", "c"]);
    const named = await dial(backend.server.address, { caFile: ours.ca, serverName: "localhost" });
    await named.close();
  });

  test("is refused under another authority, and another name, with the reason", async () => {
    await using backend = await startBackend();
    const { address } = backend.server;
    await expect(dial(address, { caFile: others.ca })).rejects.toThrow(
      `${address}: no connection over TLS: certificate signature failure`,
    );
    await expect(dial(address, { caFile: ours.ca, serverName: "shop.example.com" })).rejects.toThrow(
      `${address}: no connection over TLS: Host: shop.example.com. is not in the cert's altnames`,
    );
    await using front = await startGateway(methods, staticDiscovery([address]), {
      tls: { caFile: others.ca },
    });
    // Callers hear no more than that it cannot be reached.
    const refused = await failureOf(front.client.unary("a"));
    expect(refused).toMatchObject({ code: Code.UNAVAILABLE, reason: "BACKEND_UNAVAILABLE" });
    expect(refused.message).not.toContain("certificate");
  });

  test("that asks for a certificate lets in whoever shows one of its authority, and nobody else", async () => {
    await using backend = await startBackend(ours.ca);
    const { address } = backend.server;
    await using front = await startGateway(methods, staticDiscovery([address]), {
      tls: { caFile: ours.ca, ...clientPair(ours) },
    });
    expect(await front.client.unary("a")).toBe("a");
    await expect(dial(address, { caFile: ours.ca })).rejects.toThrow("certificate required");
    await expect(dial(address, { caFile: ours.ca, ...clientPair(others) })).rejects.toThrow(
      `${address}: no connection over TLS`,
    );
  });

  test("that speaks no TLS is refused, and so is a file that is none", async () => {
    await using plain = await startEcho(methods, { unary: (request) => request });
    await expect(dial(plain.server.address, { caFile: ours.ca })).rejects.toThrow("no connection over TLS");
    await expect(dial(plain.server.address, { caFile: ours.clientKey })).rejects.toThrow(
      `${ours.clientKey} is not a PEM certificate`,
    );
  });
});
