// A link in a process of its own: takes its options as one JSON argument, prints "ready <port>", and ends on SIGTERM or when its
// standard input does, so that it cannot outlive who started it. Each line of standard input is a command, answered by "done" or by "failed <why>".

import { createInterface } from "node:readline";
import { seededRandom } from "#harness/random/seeded-random.ts";
import type { LinkCommand } from "./link-control.ts";
import type { LinkProcessOptions } from "./link-process.ts";
import { startLinkProxy } from "./link-proxy.ts";

function optionsOf(argument: string | undefined): LinkProcessOptions {
  // What startLink wrote, and nobody else: the proxy checks the values again.
  return JSON.parse(argument ?? "null") as LinkProcessOptions;
}

function commandOf(line: string): LinkCommand {
  return JSON.parse(line) as LinkCommand;
}

async function obey(line: string): Promise<string> {
  try {
    const command = commandOf(line);
    await ("add" in command ? proxy.addToxic(command.add, command.toxic) : proxy.removeToxic(command.remove));
    return "done";
  } catch (error) {
    return `failed ${error instanceof Error ? error.message : String(error)}`;
  }
}

const { seed = 1, ...options } = optionsOf(process.argv[2]);
const random = seededRandom(seed);
const proxy = await startLinkProxy({ ...options, random: random.next });
const stop = () => void proxy.close().then(() => process.exit(0));
process.once("SIGTERM", stop);
// A Ctrl-C at the terminal reaches everyone; who started this one says when it may go.
process.on("SIGINT", () => {});
createInterface({ input: process.stdin })
  .on("line", (line) => void obey(line).then((answer) => process.stdout.write(`${answer}\n`)))
  .once("close", stop);
process.stdout.write(`ready ${proxy.port}\n`);
