// The link over which the report measures beside loopback: a wide-area line, slow enough that bytes cost time.

import { startLink } from "#harness/fault/link-process.ts";
import type { LinkProfile } from "#harness/fault/link-profile.ts";
import type { Address } from "#harness/sut/start-system.ts";

export const shapedLink = { delayMs: 10, bitsPerSecond: 20_000_000 };

const profile: LinkProfile = {
  name: "shaped",
  delayMs: shapedLink.delayMs,
  bandwidthBytesPerSecond: shapedLink.bitsPerSecond / 8,
};

/** A link to `target` in a process of its own, which runs on the cores that this process may use. */
export async function openShapedLink(target: Address) {
  const link = await startLink({ target, profile });
  return { address: { host: link.host, port: link.port }, close: () => link.stop() };
}
