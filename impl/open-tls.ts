// What the settings say about TLS: who this process is to its callers and to the services it calls, and whom it lets in.
import type { ServerTls } from "./auth/server-credentials.ts";
import type { ChannelTls } from "./client/channel-credentials.ts";
import type { Config } from "./config.ts";

/** Undefined for plaintext. Throws an Error that names settings that do not go together. */
export function serverTls(config: Config): ServerTls | undefined {
  const { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, TLS_CLIENT_CA_FILE: clientCaFile } = config;
  if (certFile !== undefined && keyFile !== undefined) {
    const minVersion = config.TLS_MIN_VERSION;
    return { certFile, keyFile, clientCaFile, minVersion, reloadMs: config.TLS_RELOAD_SECONDS * 1_000 };
  }
  for (const name of ["TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CLIENT_CA_FILE", "TLS_CA_FILE"] as const) {
    if (config[name] !== undefined) {
      throw new Error(`${name}="${config[name]}": TLS needs both TLS_CERT_FILE and TLS_KEY_FILE`);
    }
  }
  return undefined;
}

/** How services call each other. Their certificate is the one they serve with, shown to a server that asks for it. */
export function channelTls(config: Config): ChannelTls | undefined {
  if (serverTls(config) === undefined) return undefined;
  return {
    caFile: config.TLS_CA_FILE,
    serverName: config.TLS_SERVER_NAME,
    certFile: config.TLS_CERT_FILE,
    keyFile: config.TLS_KEY_FILE,
  };
}
