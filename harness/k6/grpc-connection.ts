// The connection of one client of one virtual user. k6 blocks in `connect` and throws there; here the first call waits, and fails with
// what connect would have thrown.

import { connect as connectTls } from "node:tls";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";
import type { ConnectParams } from "./grpc-params.ts";
import { type Closable, sample, type VuContext } from "./vu-context.ts";

export class GrpcConnection implements Closable {
  readonly address: string;
  readonly #connected: Promise<WireConnection>;
  readonly #vu: VuContext;
  readonly #giveUp = new AbortController();
  #sent = 0;
  #received = 0;

  constructor(vu: VuContext, address: string, params: ConnectParams) {
    this.#vu = vu;
    this.address = address;
    const signal = AbortSignal.any([this.#giveUp.signal, AbortSignal.timeout(params.timeoutMs)]);
    this.#connected = open(address, params, signal);
    // Whoever calls sees it; a script that never calls does not have to.
    this.#connected.catch(() => {});
    vu.connections.add(this);
  }

  ready(): Promise<WireConnection> {
    return this.#connected;
  }

  /** Counts what has crossed the connection since the last time. */
  async account(): Promise<void> {
    const { bytesSent, bytesReceived } = (await this.#connected).stats();
    if (bytesSent > this.#sent) sample(this.#vu, "data_sent", bytesSent - this.#sent);
    if (bytesReceived > this.#received) sample(this.#vu, "data_received", bytesReceived - this.#received);
    this.#sent = bytesSent;
    this.#received = bytesReceived;
  }

  close(): void {
    this.#vu.connections.delete(this);
    this.#giveUp.abort(new Error("the connection was closed"));
    void this.#connected.then(
      (connection) => connection.close(),
      () => {},
    );
  }
}

async function open(address: string, params: ConnectParams, signal: AbortSignal): Promise<WireConnection> {
  const at = address.lastIndexOf(":");
  const host = address.slice(0, at).replace(/^\[|\]$/g, "");
  const port = Number(address.slice(at + 1));
  if (at < 1 || !Number.isInteger(port)) throw new Error(`"${address}" is not host:port`);
  const limits = params.maxReceiveSize === undefined ? {} : { maxMessageBytes: params.maxReceiveSize };
  if (params.plaintext) return connect({ host, port, signal, ...limits });
  const { cert, key, password, cacerts } = params.tls;
  const socket = connectTls({
    host,
    port,
    servername: host,
    ALPNProtocols: ["h2"],
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(password === undefined ? {} : { passphrase: password }),
    ...(cacerts === undefined ? {} : { ca: cacerts }),
  });
  return connect({ host, port, signal, scheme: "https", createSocket: () => socket, ...limits });
}
