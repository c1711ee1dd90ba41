// Which addresses webhooks may be posted to: public ones, and the networks that configuration allows. It is asked for every address that
// is connected to, after names are resolved, so that neither a name that leads inside nor one that changes its mind gets past it.
import { BlockList, isIPv6 } from "node:net";

export interface AddressPolicy {
  /** `address` is an IPv4 or IPv6 address. */
  allows(address: string): boolean;
}

/** The address is not one that may be connected to. */
export class AddressRefused extends Error {
  constructor() {
    // The address stays unsaid: it would tell an outsider what a name means inside.
    super("the host leads to an address that is not public");
    this.name = "AddressRefused";
  }
}

/** What is not globally reachable by IANA's registries of special-purpose addresses, and multicast. */
const NOT_PUBLIC = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
  // Only 2000::/3 is global unicast.
  "::/3",
  "4000::/2",
  "8000::/1",
  // In it: protocol assignments with Teredo, documentation, 6to4.
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
];

/** `allowedNetworks` are CIDR blocks such as "10.1.0.0/16"; throws a TypeError on another text. */
export function createAddressPolicy(allowedNetworks: readonly string[]): AddressPolicy {
  const refused = listOf(NOT_PUBLIC);
  const allowed = listOf(allowedNetworks);
  return {
    allows(address) {
      const family = isIPv6(address) ? "ipv6" : "ipv4";
      return allowed.check(address, family) || !refused.check(address, family);
    },
  };
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits = ""] = network.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    try {
      if (!/^\d{1,3}$/.test(bits)) throw new TypeError("has no prefix length");
      list.addSubnet(address, Number(bits), family);
    } catch (cause) {
      throw new TypeError(`network ${network}: must be a CIDR block such as 10.1.0.0/16`, { cause });
    }
  }
  return list;
}
