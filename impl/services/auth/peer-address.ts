// From where a call comes, as far as one party can be held to it.
import { isIPv6 } from "node:net";

/** The address of "address:port". Of an IPv6 address the first half: the other half is the party's own choice. */
export function peerAddress(peer: string): string {
  const port = peer.lastIndexOf(":");
  const address = (port === -1 ? peer : peer.slice(0, port)).replaceAll(/[[\]]/g, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - after.length) }, () => "0");
  return `${[...groups, ...zeros, ...after].slice(0, 4).join(":").toLowerCase()}::/64`;
}
