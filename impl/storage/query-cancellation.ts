// Cancels what a connection is running, in the database: PostgreSQL's cancel protocol on a short connection of
// its own, which needs no login and no free slot. When the answer does not come all the same (the network is
// gone), the connection is cut, so that an aborted call never holds a place in the pool for ever.
import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import pg from "pg";

/** How long after a cancel request the running query may take to end before its connection is cut. */
const graceMs = 5_000;

/** What the cancel protocol needs of a connection and node-postgres has but does not type. */
type Backend = {
  readonly processID: number;
  readonly secretKey: number;
  readonly host: string;
  readonly port: number;
  readonly ssl: unknown;
  readonly sslNegotiation: unknown;
  readonly connection: { readonly stream: Socket };
};

type CancelConnection = EventEmitter & {
  readonly stream: Socket;
  readonly connect: (port: number | string, host?: string) => void;
  readonly requestSsl: () => void;
  readonly cancel: (processId: number, secretKey: number) => void;
};

export type Cancellation = {
  /**
   * Resolves when the server has passed the request on or cannot be reached, and never rejects. Nothing more may
   * be sent on the connection before that, or the request could hit the next query.
   */
  readonly requested: Promise<void>;
  /** To be called when the query has ended: the connection is not cut any more. */
  readonly end: () => void;
};

/** Asks the server to cancel what `client` runs. */
export function cancelQuery(client: pg.PoolClient): Cancellation {
  const backend = backendOf(client);
  const { stream } = backend.connection;
  const cut = () => stream.destroy();
  stream.setTimeout(graceMs, cut);
  return { requested: sendRequest(backend), end: () => stream.setTimeout(0, cut) };
}

function sendRequest(backend: Backend): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const request = cancelConnection(backend);
  request.stream.setTimeout(graceMs, () => request.stream.destroy());
  const send = () => request.cancel(backend.processID, backend.secretKey);
  const direct = backend.sslNegotiation === "direct";
  request.on("connect", () => {
    if (!backend.ssl) send();
    else if (!direct) request.requestSsl();
  });
  request.on("sslconnect", send);
  // The server closes the connection once the signal is sent, which some systems report as a reset.
  request.on("error", () => resolve());
  request.on("end", () => resolve());
  if (backend.host.startsWith("/")) request.connect(`${backend.host}/.s.PGSQL.${backend.port}`);
  else request.connect(backend.port, backend.host);
  return promise;
}

/** The cage for node-postgres' untyped members; their presence is pinned by the tests of cancellation. */
function backendOf(client: pg.PoolClient): Backend {
  return client as unknown as Backend;
}

function cancelConnection({ ssl, sslNegotiation }: Backend): CancelConnection {
  const Connection = pg.Connection as unknown as new (config: object) => CancelConnection;
  return new Connection({ ssl, sslNegotiation });
}
