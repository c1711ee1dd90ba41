// The endpoints of a service by its name: every A and AAAA record, asked for again and again, as with a headless service of Kubernetes.
import { lookup } from "node:dns/promises";
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Discovery, Endpoint } from "./discovery.ts";

export interface DnsDiscoveryOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  /** Default 5 s: how long an instance that has gone may still be tried. */
  readonly refreshMs?: number;
  /** Every address of a name. Default: as the operating system resolves it. */
  readonly lookupAll?: (host: string) => Promise<readonly string[]>;
}

const REFRESH_MS = 5_000;

export function dnsDiscovery(options: DnsDiscoveryOptions): Discovery {
  const { host, port, clock, refreshMs = REFRESH_MS, lookupAll = lookupBySystem } = options;
  const resolve = async (): Promise<readonly Endpoint[]> => {
    const addresses = new Set(await lookupAll(host));
    return [...addresses].sort().map((address) => ({ address: withPort(address, port) }));
  };
  return {
    async resolve(signal) {
      signal.throwIfAborted();
      return await resolve();
    },
    async *watch(signal) {
      let told: string | undefined;
      while (!signal.aborted) {
        const endpoints = await resolve();
        const now = JSON.stringify(endpoints);
        if (now !== told) yield endpoints;
        told = now;
        await sleep(clock, refreshMs, signal).catch(() => {});
      }
    },
  };
}

async function lookupBySystem(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function withPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
