// The fault of a client that hardly reads: little is on its way to it at a time, and the server is made to wait (back pressure).

import type { Fault } from "../fault.ts";
import type { LinkControl } from "../link-control.ts";
import { linkFault } from "./link-fault.ts";

export interface SlowReaderOptions {
  /** Of all connections together. Default 4096. */
  readonly bytesPerSecond?: number;
  /** What one connection takes before it stops to read, beside the buffers of the operating system. Default 4096. */
  readonly bufferBytes?: number;
}

export function slowReader(link: LinkControl, options: SlowReaderOptions = {}): Fault {
  const { bytesPerSecond = 4096, bufferBytes = 4096 } = options;
  return linkFault(link, "slow-reader", `clients read ${bytesPerSecond} bytes a second`, {
    kind: "slow",
    way: "down",
    bandwidthBytesPerSecond: bytesPerSecond,
    bufferBytes,
  });
}
