// Prints docs/configuration.md from the table in impl/config.ts; with --check, fails when the file differs.
import { readFile, writeFile } from "node:fs/promises";
import { describeConfig } from "../impl/config.ts";

const file = new URL("configuration.md", import.meta.url);
const page = `# Configuration

Everything is an environment variable. Printed by \`make generate\` from \`impl/config.ts\`; do not edit.

${describeConfig()}
`;

if (!process.argv.includes("--check")) {
  await writeFile(file, page);
} else if ((await readFile(file, "utf8").catch(() => "")) !== page) {
  process.stderr.write("docs/configuration.md is not what impl/config.ts says: run make generate\n");
  process.exitCode = 1;
}
