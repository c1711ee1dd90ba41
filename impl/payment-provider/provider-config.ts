// The configuration of a provider process: a file in its data directory, so that a process started again by anyone is the same provider.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Behavior, changeBehavior, DEFAULT_BEHAVIOR } from "./behavior.ts";

export interface ProviderConfig {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly apiKey: string;
  readonly webhookSecret: string;
  readonly behavior: Behavior;
}

export const PROVIDER_CONFIG_FILE = "config.json";

/** Secrets of nothing: the provider simulates. */
export const DEFAULT_PROVIDER_CONFIG: ProviderConfig = {
  host: "127.0.0.1",
  port: 0,
  apiKey: "sk_test_shop",
  webhookSecret: "whsec_c2ltdWxhdGVkLXBheW1lbnQtcHJvdmlkZXI=",
  behavior: DEFAULT_BEHAVIOR,
};

/** What the file does not say is the default. Throws an Error that names what is wrong. */
export function readProviderConfig(dataDir: string): ProviderConfig {
  const file = join(dataDir, PROVIDER_CONFIG_FILE);
  const given = parse(file);
  const member = <T extends string | number>(
    name: "host" | "port" | "apiKey" | "webhookSecret",
    byDefault: T,
  ) => {
    const value = given[name] ?? byDefault;
    if (typeof value === typeof byDefault) return value as T;
    throw new Error(`${file}: ${name} must be a ${typeof byDefault}`);
  };
  return {
    host: member("host", DEFAULT_PROVIDER_CONFIG.host),
    port: member("port", DEFAULT_PROVIDER_CONFIG.port),
    apiKey: member("apiKey", DEFAULT_PROVIDER_CONFIG.apiKey),
    webhookSecret: member("webhookSecret", DEFAULT_PROVIDER_CONFIG.webhookSecret),
    behavior: changeBehavior(DEFAULT_BEHAVIOR, given.behavior ?? {}),
  };
}

function parse(file: string): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null) return { ...value };
  throw new Error(`${file}: must be a JSON object`);
}
