// Credentials of a channel: plaintext, or TLS from PEM files. The files are read again for each new connection, so a client certificate or an
// authority that has been replaced is used from the next connection on; files that are broken then leave the last good ones in use.

import { createSecureContext, type SecureContext } from "node:tls";
import { type CallCredentials, ChannelCredentials, credentials, type experimental } from "@grpc/grpc-js";
import {
  readTlsFiles,
  readTlsFilesSync,
  sameMaterial,
  type TlsFiles,
  type TlsMaterial,
} from "#impl/auth/tls-files.ts";

export interface ChannelTls extends TlsFiles {
  /** Name that the server's certificate must carry. Default: the host that is called. */
  readonly serverName?: string | undefined;
}

type Target = Parameters<ChannelCredentials["_createSecureConnector"]>[0];
type Options = Parameters<ChannelCredentials["_createSecureConnector"]>[1];
type Socket = Parameters<experimental.SecureConnector["connect"]>[0];

/**
 * Plaintext without `tls`; with it TLS 1.2 or later, whose server must be trusted by `caFile` (default: the authorities of Node), and with
 * `certFile` and `keyFile` a client certificate. Throws an Error that names a file that cannot be used.
 */
export function channelCredentials(tls: ChannelTls | undefined): ChannelCredentials {
  return tls === undefined ? credentials.createInsecure() : new FileCredentials(tls);
}

/** grpc-js takes credentials of its own class only; what it asks of them is declared there. */
class FileCredentials extends ChannelCredentials {
  readonly #tls: ChannelTls;
  #material: TlsMaterial;
  #context: SecureContext;

  constructor(tls: ChannelTls) {
    super();
    this.#tls = tls;
    this.#material = readTlsFilesSync(tls);
    this.#context = secureContext(this.#material);
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(target: Target, options: Options, call?: CallCredentials) {
    const { serverName } = this.#tls;
    const named =
      serverName === undefined ? options : { ...options, "grpc.ssl_target_name_override": serverName };
    const connector = (): experimental.SecureConnector =>
      credentials.createFromSecureContext(this.#context)._createSecureConnector(target, named, call);
    const first = connector();
    return {
      waitForReady: () => first.waitForReady(),
      getCallCredentials: () => first.getCallCredentials(),
      destroy: () => first.destroy(),
      connect: async (socket: Socket) => {
        await this.#reload();
        return connector().connect(socket);
      },
    };
  }

  async #reload(): Promise<void> {
    const material = await readTlsFiles(this.#tls).catch(() => this.#material);
    if (sameMaterial(material, this.#material)) return;
    this.#material = material;
    this.#context = secureContext(material);
  }
}

function secureContext(material: TlsMaterial): SecureContext {
  return createSecureContext({ ...material, minVersion: "TLSv1.2" });
}
