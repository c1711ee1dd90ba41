// A link in a process of its own: takes its options as one JSON argument, prints "ready <port>", and ends on SIGTERM or when its
// standard input does, so that it cannot outlive who started it.

import { seededRandom } from "#harness/random/seeded-random.ts";
import type { LinkProcessOptions } from "./link-process.ts";
import { startLinkProxy } from "./link-proxy.ts";

function optionsOf(argument: string | undefined): LinkProcessOptions {
  // What startLink wrote, and nobody else: the proxy checks the values again.
  return JSON.parse(argument ?? "null") as LinkProcessOptions;
}

const { seed = 1, ...options } = optionsOf(process.argv[2]);
const random = seededRandom(seed);
const proxy = await startLinkProxy({ ...options, random: random.next });
const stop = () => void proxy.close().then(() => process.exit(0));
process.once("SIGTERM", stop);
// A Ctrl-C at the terminal reaches everyone; who started this one says when it may go.
process.on("SIGINT", () => {});
process.stdin.once("end", stop);
process.stdin.resume();
process.stdout.write(`ready ${proxy.port}\n`);
