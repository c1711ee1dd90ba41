// What every script needs of the shop: its address, who calls, what there is. `make load` writes it; for a shop of your own write one:
// {"token": "...", "products": [{"id": "...", "weight": 1}], "terms": ["lamp"], "customers": [{"id": "...", "token": "..."}], "hours": [1, 2]}
import { check } from "k6";
import { SharedArray } from "k6/data";
import type { Client, Params, Response } from "k6/net/grpc";

export interface ShopProduct {
  readonly id: string;
  /** How often it is wanted, beside others. */
  readonly weight: number;
}

export interface ShopCustomer {
  readonly id: string;
  readonly token: string;
}

interface Shop {
  /** Of a caller who may order for guests and read orders. */
  readonly token: string;
  readonly products: readonly ShopProduct[];
  /** Words to search for. */
  readonly terms: readonly string[];
  readonly customers: readonly ShopCustomer[];
  /** Orders by hour of a day. */
  readonly hours: readonly number[];
}

const ADDRESS = __ENV.ADDRESS ?? "127.0.0.1:50051";
const PROTOSET = import.meta.resolve("../../proto/gen/image.binpb");

const shops = new SharedArray<Shop>("shop", () => [JSON.parse(open(__ENV.SHOP ?? "shop.json"))]);
// The k6 of a SharedArray reads its element anew each time: once a virtual user is enough.
export const shop: Shop = shops[0] ?? { token: "", products: [], terms: [], customers: [], hours: [] };

const sums: number[] = [];
for (const { weight } of shop.products) sums.push((sums[sums.length - 1] ?? 0) + weight);

/** A product as customers want them: the popular ones more often. */
export function anyProduct(): string {
  const at = Math.random() * (sums[sums.length - 1] ?? 0);
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) > at) high = middle;
    else low = middle + 1;
  }
  return shop.products[low]?.id ?? "";
}

export function anyOf<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}

/** To be called in the init context. */
export function describe(client: Client): Client {
  client.loadProtoset(PROTOSET.replace("file://", ""));
  return client;
}

const connected = new Set<Client>();

/** Once for each client of a virtual user. */
export function connect(client: Client): void {
  if (connected.has(client)) return;
  client.connect(ADDRESS, { plaintext: __ENV.TLS_CA === undefined, ...tls() });
  connected.add(client);
}

export function disconnect(client: Client): void {
  connected.delete(client);
  client.close();
}

function tls(): { tls?: { cacerts: string; cert: string; key: string } } {
  return CA === "" ? {} : { tls: { cacerts: CA, cert: "", key: "" } };
}

const CA = __ENV.TLS_CA === undefined ? "" : open(__ENV.TLS_CA);

export function as(token: string): Params {
  return { metadata: { authorization: `Bearer ${token}` } };
}

/** Calls and counts whether the answer was OK; the message of one that was not is empty. */
export async function call(
  client: Client,
  method: string,
  request: object,
  params: Params = as(shop.token),
): Promise<Response> {
  const response = await client.asyncInvoke(`ecommerce.v1.${method}`, request, params);
  check(response, { [`${method} is OK`]: ({ status }) => status === 0 });
  return response;
}

/** A random UUID: k6's subset has no cryptography, and a request id needs none. */
export function uuid(): string {
  return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, () =>
    Math.floor(Math.random() * 16).toString(16),
  );
}

/** Seconds of load; TIME=2m makes it longer. */
export const TIME: string = __ENV.TIME ?? "15s";
