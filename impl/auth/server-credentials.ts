// Credentials of a server: plaintext, or TLS from PEM files that are looked at again and again. New connections get what was read last, open
// ones go on; files that are broken, half replaced or gone are logged and leave the last good ones in use.
import { X509Certificate } from "node:crypto";
import type { SecureVersion, TlsOptions } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { type Repeated, repeat } from "#impl/runtime/repeat.ts";
import { readTlsFiles, sameMaterial, type TlsMaterial } from "./tls-files.ts";

export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** With it, only clients are let in whose certificate one of these authorities has signed. */
  readonly clientCaFile?: string | undefined;
  readonly minVersion: SecureVersion;
  /** How often the files are looked at. */
  readonly reloadMs: number;
}

export interface OpenServerCredentials {
  readonly credentials: ServerCredentials;
  readonly encrypted: boolean;
  /** The same for a port of node:tls; undefined when connections are plaintext. */
  readonly options: TlsOptions | undefined;
  /** Told of options that replace those. */
  onReplace(listener: (options: TlsOptions) => void): void;
  stop(): Promise<void>;
}

/** Throws an Error that names a file that cannot be used. Without `tls`, connections are plaintext, and the log says so. */
export async function openServerCredentials(
  tls: ServerTls | undefined,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Promise<OpenServerCredentials> {
  if (tls === undefined) {
    log.warn({}, "connections are not encrypted: no TLS certificate is configured");
    return {
      credentials: ServerCredentials.createInsecure(),
      encrypted: false,
      options: undefined,
      onReplace: () => {},
      stop: async () => {},
    };
  }
  const files = { certFile: tls.certFile, keyFile: tls.keyFile, caFile: tls.clientCaFile };
  let current = await readTlsFiles(files);
  const credentials = new ReplaceableCredentials(tls, current);
  const listeners: Array<(options: TlsOptions) => void> = [];
  tell(current, tls, clock, log);
  let problem = "";
  const reload: Repeated = repeat(
    "look for new TLS certificates",
    tls.reloadMs,
    async () => {
      try {
        const next = await readTlsFiles(files);
        problem = "";
        if (sameMaterial(next, current)) return;
        credentials.replace(next);
        for (const listener of listeners) listener(tlsOptions(tls, next));
        current = next;
        tell(next, tls, clock, log);
      } catch (error) {
        const text = String(error);
        // Told once, not at each look.
        if (text !== problem)
          log.error({ err: error }, "the TLS files cannot be used: the last good ones stay");
        problem = text;
      }
    },
    { clock, log },
  );
  return {
    credentials,
    encrypted: true,
    get options() {
      return tlsOptions(tls, current);
    },
    onReplace: (listener) => listeners.push(listener),
    stop: () => reload.stop(),
  };
}

function tlsOptions({ clientCaFile, minVersion }: ServerTls, material: TlsMaterial): TlsOptions {
  const required = clientCaFile !== undefined;
  return { ...material, minVersion, requestCert: required, rejectUnauthorized: required };
}

/** grpc-js takes credentials of its own class only, and lets that class alone replace what new connections get. */
class ReplaceableCredentials extends ServerCredentials {
  readonly #minVersion: SecureVersion;

  constructor({ clientCaFile, minVersion }: ServerTls, material: TlsMaterial) {
    const required = clientCaFile !== undefined;
    super({ requestCert: required, rejectUnauthorized: required }, { ...material, minVersion });
    this.#minVersion = minVersion;
  }

  replace(material: TlsMaterial): void {
    this.updateSecureContextOptions({ ...material, minVersion: this.#minVersion });
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function tell(material: TlsMaterial, tls: ServerTls, clock: Clock, log: Logger): void {
  if (material.cert === undefined) return;
  const certificate = new X509Certificate(material.cert);
  const fields = {
    hosts: certificate.subjectAltName,
    notAfter: certificate.validTo,
    fingerprint: certificate.fingerprint256,
    clientCertificates: tls.clientCaFile === undefined ? "not asked for" : "required",
  };
  if (certificate.validToDate.getTime() <= clock.now()) log.error(fields, "the TLS certificate has expired");
  else log.info(fields, "TLS certificate in use");
}
