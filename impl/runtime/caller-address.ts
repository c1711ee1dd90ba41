// Where a caller is, as far as one party can be held to it.

const MAPPED = "::ffff:";

/** The caller's network address: an IPv4 address, or the /64 of an IPv6 one, of which any host has as many addresses as it likes. */
export function addressOf(peer: string): string {
  const end = peer.lastIndexOf(":");
  const host = end === -1 ? peer : peer.slice(0, end);
  if (!host.includes(":")) return host;
  if (host.startsWith(MAPPED) && host.includes(".")) return host.slice(MAPPED.length);
  return `${firstGroups(host, 4).join(":")}::/64`;
}

/** The first `count` of an IPv6 address's eight groups. */
function firstGroups(host: string, count: number): string[] {
  const [head = "", tail] = host.split("::", 2);
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  return [...groups, ...Array<string>(zeros).fill("0"), ...after].slice(0, count);
}
