// Who a call behind a gateway is from: the gateway says it in metadata, and is believed when it calls from a network that is trusted. Whoever
// else says it is not. So limits, the log and audit see the caller and not the gateway.
import { BlockList, isIPv6 } from "node:net";
import { FORWARDED_PEER_KEY } from "#impl/runtime/call.ts";
import type { Link } from "#impl/runtime/handler.ts";

/** Networks such as "10.0.0.0/8", or addresses. Throws an Error that names one which is none. */
export function forwardedPeer(trusted: readonly string[]): Link {
  const gateways = blockList(trusted);
  return (_, next) => {
    if (trusted.length === 0) return next;
    return (call, input) => {
      const peer = call.metadata.get(FORWARDED_PEER_KEY);
      if (peer !== undefined && isAmong(gateways, call.peer)) call.peer = peer;
      return next(call, input);
    };
  };
}

function isAmong(networks: BlockList, peer: string): boolean {
  const address = peer.slice(0, peer.lastIndexOf(":"));
  return networks.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    try {
      if (bits === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(bits), family);
    } catch (error) {
      throw new Error(`"${network}" is not an address or a network such as 10.0.0.0/8`, { cause: error });
    }
  }
  return list;
}
