import { expect, test } from "vitest";
import { readConfig } from "./config.ts";
import { channelTls, serverTls } from "./open-tls.ts";

const PAIR = { TLS_CERT_FILE: "a.crt", TLS_KEY_FILE: "a.key" };

test("without a certificate everything is plaintext", () => {
  const config = readConfig({});
  expect([serverTls(config), channelTls(config)]).toEqual([undefined, undefined]);
});

test("a service shows others the certificate that it serves with, and trusts the authority it is told to", () => {
  const config = readConfig({ ...PAIR, TLS_CLIENT_CA_FILE: "clients.crt", TLS_CA_FILE: "ca.crt" });
  expect(serverTls(config)).toEqual({
    certFile: "a.crt",
    keyFile: "a.key",
    clientCaFile: "clients.crt",
    minVersion: "TLSv1.2",
    reloadMs: 10_000,
  });
  expect(channelTls(config)).toMatchObject({ caFile: "ca.crt", certFile: "a.crt", keyFile: "a.key" });
});

test.for(["TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CLIENT_CA_FILE", "TLS_CA_FILE"])(
  "%s alone ends the start with its name and its value",
  (name) => {
    expect(() => serverTls(readConfig({ [name]: "some.pem" }))).toThrow(`${name}="some.pem"`);
  },
);
