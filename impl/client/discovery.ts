// Where the instances of a service are, and when that changes. A static list is here; DNS and the registry implement the same interface.
export interface Endpoint {
  /** "host:port" ("[::1]:443" for IPv6) or "unix:/path": the identity of the endpoint. */
  readonly address: string;
  /** Share of calls beside other endpoints, more than 0. Default 1. */
  readonly weight?: number;
  /** Where it runs, such as "eu-west-1a". */
  readonly zone?: string;
}

export interface Discovery {
  /** The endpoints that there are now. Rejects when that cannot be found out, and with the signal's reason when it aborts. */
  resolve(signal: AbortSignal): Promise<readonly Endpoint[]>;
  /**
   * The whole set whenever it changes, beginning with the present one; an address occurs once. Ends without an error when the signal
   * aborts, and may end when nothing will change any more. Whoever watches keeps the last set when it throws, and watches again.
   */
  watch(signal: AbortSignal): AsyncIterable<readonly Endpoint[]>;
}

/** Endpoints that never change. Throws when there is none, when one is no address, or when one is named twice. */
export function staticDiscovery(endpoints: ReadonlyArray<string | Endpoint>): Discovery {
  const all = endpoints.map((endpoint) => (typeof endpoint === "string" ? { address: endpoint } : endpoint));
  if (all.length === 0) throw new Error("addresses: at least one is needed, got none");
  const seen = new Set<string>();
  for (const { address, weight } of all) {
    parseAddress(address);
    if (seen.has(address)) throw new Error(`addresses: ${address} is named twice`);
    if (weight !== undefined && !(weight > 0))
      throw new Error(`addresses: the weight of ${address} must be more than 0, got ${weight}`);
    seen.add(address);
  }
  return {
    resolve: async () => all,
    async *watch() {
      yield all;
    },
  };
}

export type SocketAddress = { readonly host: string; readonly port: number } | { readonly path: string };

const HOST_PORT = /^(?:\[(?<v6>[0-9a-fA-F:.%]+)\]|(?<host>[^\s:/[\]]+)):(?<port>\d{1,5})$/;

/** Throws when `address` is neither "host:port" nor "unix:/path". */
export function parseAddress(address: string): SocketAddress {
  if (address.startsWith("unix:/")) return { path: address.slice("unix:".length) };
  const { v6, host = v6, port } = HOST_PORT.exec(address)?.groups ?? {};
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new Error(`an address must be "host:port" or "unix:/path", got "${address}"`);
  }
  return { host, port: Number(port) };
}
