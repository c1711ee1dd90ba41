// The configuration of the system, and the only reader of process.env. Every setting has a name, a default and a unit; a value that breaks
// its rule stops the start with the name, the value and the rule. `docs/configuration.md` is printed from these tables.
import { resolve } from "node:path";
import { addresses } from "./config/addresses.ts";
import { credentials } from "./config/credentials.ts";
import { limits } from "./config/limits.ts";
import { operations } from "./config/operations.ts";
import { partners } from "./config/partners.ts";
import { pipeline } from "./config/pipeline.ts";
import { processes } from "./config/processes.ts";
import { BadSecret, BadValue, type Setting } from "./config/setting.ts";
import { storage } from "./config/storage.ts";
import { tls } from "./config/tls.ts";

/** In the order of the documentation. */
const GROUPS = [
  { title: "Addresses", about: "Where this process listens.", settings: addresses },
  { title: "Storage", about: "What is kept, and where.", settings: storage },
  {
    title: "Processes",
    about: "Which services a process serves, and how it finds the others.",
    settings: processes,
  },
  { title: "Partners", about: "Payment, mail and the webhooks of customers.", settings: partners },
  {
    title: "Credentials",
    about: "Who is believed, for how long, and under which keys.",
    settings: credentials,
  },
  { title: "TLS", about: "Certificates of this server and of those that it calls.", settings: tls },
  { title: "Pipeline", about: "What middleware does, and how often callers may call.", settings: pipeline },
  {
    title: "Limits",
    about:
      "What connections, messages and streams may be; what is beyond is refused or cut: [security.md](security.md).",
    settings: limits,
  },
  { title: "Operations", about: "Stopping, and what is told of a process.", settings: operations },
] as const satisfies readonly {
  readonly title: string;
  readonly about: string;
  readonly settings: Readonly<Record<string, Setting<unknown>>>;
}[];

const SETTINGS = {
  ...addresses,
  ...storage,
  ...processes,
  ...partners,
  ...credentials,
  ...tls,
  ...pipeline,
  ...limits,
  ...operations,
};

export type Config = { readonly [K in keyof typeof SETTINGS]: ReturnType<(typeof SETTINGS)[K]["read"]> };

/** The settings of an environment, frozen. Throws with one line for each value that breaks its rule. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const entries = Object.entries(SETTINGS).map(([name, setting]) => {
    const given = environment[name];
    try {
      return [name, setting.read(given)];
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      problems.push(`${name}${error instanceof BadSecret ? "" : `="${given}"`}: ${error.message}`);
      return [name, undefined];
    }
  });
  if (problems.length > 0) throw new Error(`the configuration is not valid:\n  ${problems.join("\n  ")}`);
  const config: Config = Object.fromEntries(entries);
  return Object.freeze({ ...config, DATA_DIR: resolve(config.DATA_DIR) });
}

export function configFromEnvironment(): Config {
  return readConfig(process.env);
}

/** The environment of a process that is started with other settings than this one. */
export function environmentWith(
  settings: Readonly<Partial<Record<keyof Config, string>>>,
): Record<string, string | undefined> {
  return { ...process.env, ...settings };
}

/** The sections of `docs/configuration.md`. */
export function describeConfig(): string {
  return GROUPS.map(({ title, about, settings }) => {
    const rows = Object.entries<Setting<unknown>>(settings).map(
      ([name, { about, defaultText }]) =>
        `| \`${name}\` | ${about} | ${defaultText === "" ? "-" : `\`${defaultText}\``} |`,
    );
    return [`## ${title}`, "", about, "", "| variable | meaning | default |", "|---|---|---|", ...rows].join(
      "\n",
    );
  }).join("\n\n");
}
