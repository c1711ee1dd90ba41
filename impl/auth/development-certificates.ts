// Certificates to try TLS with: an authority of one's own, a server's and a client's certificate signed by it, as PEM files in one folder.
// Made again only when missing, near their end, or for other names; the authority outlives what it signs, so that its clients need not change.
import { createPrivateKey, type webcrypto, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import "./reflect-metadata.ts";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
const CERTIFICATE_DAYS = 90;
/** What has less than this left is made again. */
const RENEW_DAYS = 30;
const LOCAL_NAMES = ["localhost", "127.0.0.1", "::1"];
const AUTHORITY_NAME = "CN=grpc-ecommerce development CA";
const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** Paths of the files. */
export interface DevelopmentCertificates {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
  /** Names of the certificates that were made now; the others were good for longer. */
  readonly made: readonly string[];
}

export interface CertificateRequest {
  /** Names and addresses of the server beside those of this machine. */
  readonly hosts: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

interface Issuer {
  readonly cert: string;
  readonly privateKey: webcrypto.CryptoKey;
}

export async function makeDevelopmentCertificates(
  folder: string,
  { hosts, now }: CertificateRequest,
): Promise<DevelopmentCertificates> {
  await mkdir(folder, { recursive: true });
  const made: string[] = [];
  const names = [...new Set([...LOCAL_NAMES, ...hosts])];
  const kept = await readPair(folder, "ca");
  const usable = kept !== undefined && lasts(kept.cert, now);
  const authority = usable ? await asIssuer(kept) : await issue("ca", AUTHORITY_NAME, undefined, now, []);
  if (!usable) {
    await writePair(folder, "ca", authority);
    made.push("ca");
  }
  for (const [name, extensions] of [
    ["server", [alternativeNames(names)]],
    ["client", []],
  ] as const) {
    const pair = await readPair(folder, name);
    const wanted = name === "server" ? names : [];
    if (
      pair !== undefined &&
      lasts(pair.cert, now) &&
      signedBy(pair.cert, authority.cert) &&
      covers(pair.cert, wanted)
    ) {
      continue;
    }
    await writePair(folder, name, await issue(name, `CN=${name}.grpc-ecommerce`, authority, now, extensions));
    made.push(name);
  }
  const file = (name: string): string => join(folder, name);
  return {
    ca: file("ca.crt"),
    serverCert: file("server.crt"),
    serverKey: file("server.key"),
    clientCert: file("client.crt"),
    clientKey: file("client.key"),
    made,
  };
}

/** A key and its certificate, signed by the issuer, or by itself and an authority without one. */
async function issue(
  kind: "ca" | "server" | "client",
  subject: string,
  issuer: Issuer | undefined,
  now: number,
  extra: readonly Extension[],
): Promise<Issuer & { readonly key: string }> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]);
  const days = issuer === undefined ? AUTHORITY_DAYS : CERTIFICATE_DAYS;
  const certificate = await X509CertificateGenerator.create({
    subject,
    issuer: AUTHORITY_NAME,
    // Clocks differ a little.
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + days * DAY_MS),
    publicKey,
    signingKey: issuer?.privateKey ?? privateKey,
    signingAlgorithm: ECDSA,
    extensions: [...usages(kind), ...extra],
  });
  const key = PemConverter.encode(await crypto.subtle.exportKey("pkcs8", privateKey), "PRIVATE KEY");
  return { cert: certificate.toString("pem"), key, privateKey };
}

function usages(kind: "ca" | "server" | "client"): Extension[] {
  if (kind === "ca") {
    return [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ];
  }
  // A server is a client too, of the other services.
  const purposes =
    kind === "server"
      ? [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]
      : [ExtendedKeyUsage.clientAuth];
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension(purposes),
  ];
}

function alternativeNames(hosts: readonly string[]): Extension {
  return new SubjectAlternativeNameExtension(
    hosts.map((value) => ({ type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const), value })),
  );
}

function lasts(pem: string, now: number): boolean {
  return new X509Certificate(pem).validToDate.getTime() > now + RENEW_DAYS * DAY_MS;
}

function signedBy(pem: string, authority: string): boolean {
  return new X509Certificate(pem).verify(new X509Certificate(authority).publicKey);
}

function covers(pem: string, names: readonly string[]): boolean {
  const certificate = new X509Certificate(pem);
  return names.every((name) =>
    isIP(name) === 0 ? certificate.checkHost(name) !== undefined : certificate.checkIP(name) !== undefined,
  );
}

async function asIssuer({ cert, key }: { readonly cert: string; readonly key: string }): Promise<Issuer> {
  const [der] = PemConverter.decode(key);
  if (der === undefined) throw new Error("the key of the development CA is not PEM");
  return { cert, privateKey: await crypto.subtle.importKey("pkcs8", der, ECDSA, true, ["sign"]) };
}

/** Undefined also for a certificate and a key that do not belong together, as a crash between the two leaves them. */
async function readPair(
  folder: string,
  name: string,
): Promise<{ readonly cert: string; readonly key: string } | undefined> {
  try {
    const cert = await readFile(join(folder, `${name}.crt`), "utf8");
    const key = await readFile(join(folder, `${name}.key`), "utf8");
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? { cert, key } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Each file is whole at any time: a server may be reading it. */
async function writePair(
  folder: string,
  name: string,
  pair: { readonly cert: string; readonly key?: string },
): Promise<void> {
  for (const [kind, text] of [
    ["key", pair.key],
    ["crt", pair.cert],
  ] as const) {
    if (text === undefined) continue;
    const file = join(folder, `${name}.${kind}`);
    await writeFile(`${file}.new`, text, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
}
