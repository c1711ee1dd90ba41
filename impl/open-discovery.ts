// Where the services of other processes are, from the settings: addresses, a name of the DNS, or the registry.

import { type Discovery, parseAddress, staticDiscovery } from "./client/discovery.ts";
import { dnsDiscovery } from "./client/dns-discovery.ts";
import type { RegistryDirectory } from "./client/registry-discovery.ts";
import type { Config } from "./config.ts";
import type { Clock } from "./runtime/clock.ts";

export const REGISTRY_SERVICE = "ecommerce.v1.RegistryService";

export interface DiscoveryContext {
  readonly clock: Clock;
  /** Full names of the services that there are. */
  readonly services: readonly string[];
  /** Undefined where no registry is configured. */
  readonly directory: RegistryDirectory | undefined;
}

/** Throws an Error that names a setting and what is wrong with it. */
export function openDiscovery(
  config: Pick<Config, "BACKENDS" | "REGISTRY_ADDRESS">,
  { clock, services, directory }: DiscoveryContext,
): (service: string) => Discovery | undefined {
  const places = new Map<string, Discovery>();
  /** Services at the same place share one discovery. */
  const at = (place: string, setting: string): Discovery => {
    const discovery = places.get(place) ?? discoveryAt(place, setting, clock);
    places.set(place, discovery);
    return discovery;
  };
  const placeOf = new Map<string, string>();
  for (const [name, place] of entries(config.BACKENDS)) {
    for (const service of named(name, services)) placeOf.set(service, place);
  }
  const rest =
    new Map(entries(config.BACKENDS)).get("*") ?? (directory === undefined ? undefined : "registry");
  const found = new Map<string, Discovery | undefined>();
  for (const service of services) {
    if (service === REGISTRY_SERVICE && config.REGISTRY_ADDRESS !== undefined) {
      found.set(service, at(config.REGISTRY_ADDRESS, "REGISTRY_ADDRESS"));
      continue;
    }
    const place = placeOf.get(service) ?? rest;
    if (place === "registry") {
      if (directory === undefined)
        throw new Error(`BACKENDS="${config.BACKENDS}": registry needs REGISTRY_ADDRESS`);
      found.set(service, directory.of(service));
    } else {
      found.set(service, place === undefined ? undefined : at(place, "BACKENDS"));
    }
  }
  return (service) => found.get(service);
}

/** "order=here,*=there" as pairs. */
function entries(setting: string): [name: string, place: string][] {
  return setting
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
    .map((entry) => {
      const at = entry.indexOf("=");
      if (at < 1) throw new Error(`BACKENDS: must be service=place, got "${entry}"`);
      return [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
    });
}

/** A service by its full name or as SERVICES names it: "order" is ecommerce.v1.OrderService. */
function named(name: string, services: readonly string[]): readonly string[] {
  if (name === "*") return [];
  const matching = services.filter(
    (service) => service === name || service.toLowerCase().endsWith(`.${name.toLowerCase()}service`),
  );
  if (matching.length === 0) throw new Error(`BACKENDS: there is no service "${name}"`);
  return matching;
}

const DNS = "dns:";

function discoveryAt(place: string, setting: string, clock: Clock): Discovery {
  try {
    if (!place.startsWith(DNS)) return staticDiscovery(place.split("|"));
    const { host, port } = hostAndPort(place.slice(DNS.length));
    return dnsDiscovery({ host, port, clock });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${setting}: "${place}": ${reason}`, { cause: error });
  }
}

function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  const address = parseAddress(text);
  if ("path" in address) throw new Error("must be dns:host:port");
  return address;
}
