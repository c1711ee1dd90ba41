// What can be wrong with a link while it runs ("toxics", after Toxiproxy), and what a link is like under all of them together.

import type { LinkProfile } from "./link-profile.ts";

/** Up is from the client to the server. */
export type LinkWay = "up" | "down";

export type LinkToxic =
  /** Bytes take longer. */
  | {
      readonly kind: "slow";
      /** Both added to what the link has. Default 0. */
      readonly delayMs?: number;
      readonly jitterMs?: number;
      /** The lowest of all holds, as for the buffer. Default: as the link has it. */
      readonly bandwidthBytesPerSecond?: number;
      readonly bufferBytes?: number;
      /** Default both. */
      readonly way?: LinkWay;
    }
  /** Bytes, ends and resets wait until the toxic is gone, as TCP sends again what a partition has kept from it. Default: both ways. */
  | { readonly kind: "hold"; readonly way?: LinkWay }
  /** Bytes, ends and resets are lost, and connections stay; those that lost something are reset when the toxic is gone. */
  | { readonly kind: "swallow"; readonly way?: LinkWay }
  /** Of connections open now, one side is gone (and is told), and the other is told nothing until the toxic is gone: then it is reset. */
  | { readonly kind: "abandon"; readonly gone: "client" | "server" }
  /** Connections open now are reset. */
  | { readonly kind: "reset" };

/** What becomes of the bytes that enter a direction. */
export type LinkFlow = "carried" | "held" | "swallowed";

/** What one direction of a link is like at a time. */
export interface LinkConditions {
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly bandwidthBytesPerSecond: number;
  readonly bufferBytes: number;
  readonly flow: LinkFlow;
}

export function conditionsUnder(
  profile: Required<LinkProfile>,
  toxics: Iterable<LinkToxic>,
  way: LinkWay,
): LinkConditions {
  let { delayMs, jitterMs, bandwidthBytesPerSecond, bufferBytes } = profile;
  let flow: LinkFlow = "carried";
  for (const toxic of toxics) {
    if (!("way" in toxic ? (toxic.way ?? way) === way : true)) continue;
    if (toxic.kind === "hold" && flow === "carried") flow = "held";
    if (toxic.kind === "swallow") flow = "swallowed";
    if (toxic.kind !== "slow") continue;
    delayMs += toxic.delayMs ?? 0;
    jitterMs += toxic.jitterMs ?? 0;
    bandwidthBytesPerSecond = Math.min(bandwidthBytesPerSecond, toxic.bandwidthBytesPerSecond ?? Infinity);
    bufferBytes = Math.min(bufferBytes, toxic.bufferBytes ?? Infinity);
  }
  return { delayMs, jitterMs, bandwidthBytesPerSecond, bufferBytes, flow };
}

const LONGEST_MS = 60_000;

/** Throws RangeError for a value that no link can have. */
export function checkToxic(name: string, toxic: LinkToxic): void {
  if (toxic.kind !== "slow") return;
  const { delayMs = 0, jitterMs = 0, bandwidthBytesPerSecond = Infinity, bufferBytes = Infinity } = toxic;
  const rules: readonly (readonly [field: string, value: number, kept: boolean, rule: string])[] = [
    ["delayMs", delayMs, delayMs >= 0 && delayMs <= LONGEST_MS, `0 to ${LONGEST_MS}`],
    ["jitterMs", jitterMs, jitterMs >= 0 && jitterMs <= LONGEST_MS, `0 to ${LONGEST_MS}`],
    ["bandwidthBytesPerSecond", bandwidthBytesPerSecond, bandwidthBytesPerSecond > 0, "above 0"],
    ["bufferBytes", bufferBytes, bufferBytes >= 1, "at least 1"],
  ];
  for (const [field, value, kept, rule] of rules) {
    if (!kept) throw new RangeError(`toxic ${JSON.stringify(name)}: ${field} must be ${rule}, got ${value}`);
  }
}
