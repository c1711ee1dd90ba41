// The built-in runner of k6 scripts: `node harness/k6.ts script.ts [-e NAME=value ...]
// [--summary-export file.json]`. Ends with k6's exit codes, and with 98 when
// the generator itself was too busy.

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { abortOnSignals } from "./abort-on-signals.ts";
import { runScript } from "./k6/run-script.ts";
import { installK6 } from "./k6/script-loader.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    env: { type: "string", short: "e", multiple: true, default: [] },
    "summary-export": { type: "string" },
  },
});
const [script, ...more] = positionals;
if (script === undefined || more.length > 0) {
  process.stderr.write(
    "usage: node harness/k6.ts <script.ts> [-e NAME=value ...] [--summary-export file.json]\n",
  );
  process.exit(104);
}

const given = values.env.map((pair): [string, string] => {
  const at = pair.indexOf("=");
  return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
});
const inherited = Object.entries(process.env).filter(
  (entry): entry is [string, string] => entry[1] !== undefined,
);

installK6();
process.exitCode = await runScript({
  file: resolve(script),
  env: Object.fromEntries([...inherited, ...given]),
  summaryExport: values["summary-export"],
  print: (line) => process.stderr.write(`${line}\n`),
  progress: (line) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`),
  signal: abortOnSignals(process.stderr),
});
