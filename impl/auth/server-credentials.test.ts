import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type SecureVersion, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type ChannelTls, channelCredentials } from "#impl/client/channel-credentials.ts";
import { type Echo, type EchoOptions, startEcho } from "#impl/client/testing/echo.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { type LogLine, recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { type DevelopmentCertificates, makeDevelopmentCertificates } from "./development-certificates.ts";
import { openServerCredentials, type ServerTls } from "./server-credentials.ts";

const DAY_MS = 86_400_000;
const methods = { unary: {}, hold: { requestStream: true, responseStream: true } } as const;

let folder: string;
let ours: DevelopmentCertificates;
let foreign: DevelopmentCertificates;
let expired: DevelopmentCertificates;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tls-"));
  const now = systemClock.now();
  ours = await makeDevelopmentCertificates(join(folder, "ours"), { hosts: [], now });
  foreign = await makeDevelopmentCertificates(join(folder, "foreign"), { hosts: [], now });
  // The same authority, whose certificates ended long ago.
  const old = join(folder, "expired");
  await makeDevelopmentCertificates(old, { hosts: [], now: now - 400 * DAY_MS });
  expired = await makeDevelopmentCertificates(old, { hosts: [], now: now - 390 * DAY_MS });
});
afterAll(() => rm(folder, { recursive: true }));

interface Secure {
  readonly echo: Echo<typeof methods>;
  readonly log: readonly LogLine[];
}

async function serve(
  server: Partial<ServerTls>,
  channel: ChannelTls | undefined,
  limits: EchoOptions["limits"] = {},
): Promise<Secure> {
  const log: LogLine[] = [];
  const tls = await openServerCredentials(
    {
      certFile: ours.serverCert,
      keyFile: ours.serverKey,
      minVersion: "TLSv1.2",
      reloadMs: 5,
      ...server,
    },
    { clock: systemClock, log: recordingLogger(log) },
  );
  onTestFinished(() => tls.stop());
  const echo = await startEcho(
    methods,
    {
      unary: (request) => request,
      async *hold(requests) {
        yield* requests;
      },
    },
    { credentials: tls.credentials, channelCredentials: channelCredentials(channel), limits },
  );
  onTestFinished(() => echo[Symbol.asyncDispose]());
  return { echo, log };
}

const shown = (certificates: DevelopmentCertificates): ChannelTls => ({
  caFile: ours.ca,
  certFile: certificates.clientCert,
  keyFile: certificates.clientKey,
});

test("a client that trusts the server's authority is served over TLS", async () => {
  const { echo, log } = await serve({}, { caFile: ours.ca });
  expect(await echo.client.unary("secret")).toBe("secret");
  expect(log).toMatchObject([{ level: "info", fields: { clientCertificates: "not asked for" } }]);
});

test("a client certificate that was asked for lets its owner in", async () => {
  const { echo } = await serve({ clientCaFile: ours.ca }, shown(ours));
  expect(await echo.client.unary("known")).toBe("known");
});

test.for<[what: string, server: () => Partial<ServerTls>, channel: () => ChannelTls | undefined]>([
  ["a client that speaks plaintext", () => ({}), () => undefined],
  ["a client that trusts another authority", () => ({}), () => ({ caFile: foreign.ca })],
  ["a client that expects another name", () => ({}), () => ({ caFile: ours.ca, serverName: "shop.example" })],
  [
    "a server whose certificate has expired",
    () => ({ certFile: expired.serverCert, keyFile: expired.serverKey }),
    () => ({ caFile: expired.ca }),
  ],
  ["no client certificate", () => ({ clientCaFile: ours.ca }), () => ({ caFile: ours.ca })],
  ["a client certificate of another authority", () => ({ clientCaFile: ours.ca }), () => shown(foreign)],
  ["a client certificate that has expired", () => ({ clientCaFile: expired.ca }), () => shown(expired)],
])("%s gets no answer", async ([, server, channel]) => {
  const { echo } = await serve(server(), channel());
  await expect(echo.client.unary("let me in")).rejects.toMatchObject({ code: 14 });
  expect(echo.server.ended).toEqual([]);
});

test("a handshake that never comes ends in time, and the log of details says so", async () => {
  const { echo } = await serve({}, undefined, { handshakeTimeoutMs: 50 });
  const socket = connectPlain(echo.server.port, "127.0.0.1");
  await once(socket, "close");
  expect(echo.server.log).toMatchObject([{ level: "debug", message: "a TLS handshake failed" }]);
});

test("a name that the certificate carries may differ from the one that is called", async () => {
  const { echo } = await serve({}, { caFile: ours.ca, serverName: "localhost" });
  expect(await echo.client.unary("by address")).toBe("by address");
});

test.for<[offered: SecureVersion, minVersion: SecureVersion]>([
  ["TLSv1.1", "TLSv1.2"],
  ["TLSv1.2", "TLSv1.3"],
])("%s is refused by a server from %s on", async ([offered, minVersion]) => {
  const { echo } = await serve({ minVersion }, { caFile: ours.ca });
  const port = echo.server.port;
  // OpenSSL does not even offer the old versions at its ordinary level of security.
  const options = { port, minVersion: offered, maxVersion: offered, ciphers: "DEFAULT@SECLEVEL=0" };
  const socket = connect({ ...options, rejectUnauthorized: false });
  const [error] = await once(socket, "error");
  expect(error).toMatchObject({ code: expect.stringMatching(/PROTOCOL_VERSION/) });
});

test("certificates are replaced while calls run, broken ones are not taken, and no call fails", async () => {
  const now = systemClock.now();
  const live = await makeDevelopmentCertificates(join(folder, "live"), { hosts: [], now });
  const { echo, log } = await serve(
    { certFile: live.serverCert, keyFile: live.serverKey },
    { caFile: live.ca },
  );
  const before = await serialOf(echo);
  const { requests, responses } = await openStream(echo);
  let calling = true;
  const calls = (async () => {
    let made = 0;
    for (; calling; made++) expect(await echo.client.unary(`call ${made}`)).toBe(`call ${made}`);
    return made;
  })();

  await writeFile(live.serverCert, "half of a certi");
  await expect.poll(() => log.filter(({ level }) => level === "error").length).toBe(1);
  await copyFile(foreign.serverCert, live.serverCert);
  await expect.poll(() => log.filter(({ level }) => level === "error").length).toBe(2);
  expect(await serialOf(echo)).toBe(before);

  await rm(live.serverCert);
  await makeDevelopmentCertificates(join(folder, "live"), { hosts: [], now });
  await expect.poll(() => log.filter(({ level }) => level === "info").length).toBe(2);
  expect(await serialOf(echo)).not.toBe(before);

  calling = false;
  expect(await calls).toBeGreaterThan(0);
  requests.resolve();
  expect((await responses.next()).done).toBe(true);
});

test("a channel uses the client certificate and the authority of the time of its connection", async () => {
  const own = join(folder, "own.crt");
  const key = join(folder, "own.key");
  await copyFile(foreign.clientCert, own);
  await copyFile(foreign.clientKey, key);
  const { echo } = await serve({ clientCaFile: ours.ca }, { caFile: ours.ca, certFile: own, keyFile: key });
  await expect(echo.client.unary("stranger")).rejects.toMatchObject({ code: 14 });
  await copyFile(ours.clientCert, own);
  await copyFile(ours.clientKey, key);
  await expect.poll(() => echo.client.unary("friend").catch(() => "refused")).toBe("friend");
});

test("a server without a certificate says in its log that it is plaintext", async () => {
  const log: LogLine[] = [];
  const opened = await openServerCredentials(undefined, { clock: systemClock, log: recordingLogger(log) });
  await opened.stop();
  expect(log.map(({ level }) => level)).toEqual(["warn"]);
});

test.for<[what: string, files: () => Partial<ServerTls>, rule: RegExp]>([
  ["a missing file", () => ({ certFile: join(folder, "none.crt") }), /none\.crt/],
  ["a key of another certificate", () => ({ keyFile: ours.clientKey }), /client\.key is not the PEM key of/],
  [
    "an authority that is a key",
    () => ({ clientCaFile: ours.clientKey }),
    /client\.key is not a PEM certificate/,
  ],
])("%s ends the start with its name", async ([, files, rule]) => {
  await expect(serve(files(), undefined)).rejects.toThrow(rule);
});

/** Serial number of the certificate that a new connection is shown. */
async function serialOf(echo: Echo<typeof methods>): Promise<string> {
  const socket: TLSSocket = connect({ port: echo.server.port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

/** A stream that has had its first answer and stays open until `requests` resolves. */
async function openStream(echo: Echo<typeof methods>) {
  const requests = Promise.withResolvers<void>();
  const responses = echo.client
    .hold(
      (async function* () {
        yield "first";
        await requests.promise;
      })(),
      { deadlineMs: 60_000 },
    )
    [Symbol.asyncIterator]();
  expect((await responses.next()).value).toBe("first");
  return { requests, responses };
}
