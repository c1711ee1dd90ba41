// The PEM files of one side of TLS: what it proves itself with and whom it trusts. Read together and checked together, since each is
// replaced by itself and a certificate goes only with its own key.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";

export interface TlsFiles {
  /** Certificate chain, leaf first. Goes with keyFile. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Authorities whose certificates the other side may show. */
  readonly caFile?: string | undefined;
}

export interface TlsMaterial {
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly ca: Buffer | undefined;
}

/** Throws an Error that names the file and what is wrong with it. */
export async function readTlsFiles(files: TlsFiles): Promise<TlsMaterial> {
  checkPair(files);
  const read = (file: string | undefined): Promise<Buffer> | undefined =>
    file === undefined ? undefined : readFile(file);
  const [cert, key, ca] = await Promise.all([read(files.certFile), read(files.keyFile), read(files.caFile)]);
  return checked({ cert, key, ca }, files);
}

/** The same at once, for a start that must fail where it is made. */
export function readTlsFilesSync(files: TlsFiles): TlsMaterial {
  checkPair(files);
  const read = (file: string | undefined): Buffer | undefined =>
    file === undefined ? undefined : readFileSync(file);
  return checked({ cert: read(files.certFile), key: read(files.keyFile), ca: read(files.caFile) }, files);
}

export function sameMaterial(a: TlsMaterial, b: TlsMaterial): boolean {
  const same = (one: Buffer | undefined, other: Buffer | undefined): boolean =>
    one === other || (one !== undefined && other !== undefined && one.equals(other));
  return same(a.cert, b.cert) && same(a.key, b.key) && same(a.ca, b.ca);
}

function checkPair({ certFile, keyFile }: TlsFiles): void {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new Error(
      `a TLS certificate and its key go together, got certificate "${certFile}" and key "${keyFile}"`,
    );
  }
}

function checked(material: TlsMaterial, files: TlsFiles): TlsMaterial {
  const { cert, key, ca } = material;
  if (cert !== undefined) must(() => new X509Certificate(cert), `${files.certFile} is not a PEM certificate`);
  if (ca !== undefined) must(() => new X509Certificate(ca), `${files.caFile} is not a PEM certificate`);
  must(
    () => createSecureContext({ cert, key, ca }),
    `${files.keyFile} is not the PEM key of ${files.certFile}`,
  );
  return material;
}

function must(check: () => unknown, rule: string): void {
  try {
    check();
  } catch (cause) {
    throw new Error(rule, { cause });
  }
}
