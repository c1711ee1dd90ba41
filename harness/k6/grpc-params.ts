// The parameters of calls and connections, checked as k6 checks them: an unknown one is an error.

import type { MetadataEntry } from "#wire/metadata.ts";
import { parseDuration } from "./duration.ts";

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_CONNECT_TIMEOUT_MS = 60_000;

export interface CallParams {
  readonly metadata: readonly MetadataEntry[];
  readonly tags: Readonly<Record<string, string>>;
  /** Undefined: none. */
  readonly timeoutMs: number | undefined;
  readonly discardResponseMessage: boolean;
}

export interface TlsParams {
  readonly cert?: string;
  readonly key?: string;
  readonly password?: string;
  readonly cacerts?: string | string[];
}

export interface ConnectParams {
  readonly plaintext: boolean;
  readonly timeoutMs: number;
  readonly maxReceiveSize: number | undefined;
  readonly tls: TlsParams;
}

/** `timeoutByDefault` false: of a stream, which has none. */
export function callParams(given: object = {}, timeoutByDefault = true): CallParams {
  const {
    metadata = {},
    tags = {},
    timeout,
    discardResponseMessage = false,
    ...unknown
  } = { ...given } as Record<string, unknown>;
  refuse(unknown);
  return {
    metadata: metadataOf(metadata),
    tags: Object.fromEntries(Object.entries(tags as object).map(([key, value]) => [key, String(value)])),
    timeoutMs:
      timeout === undefined
        ? timeoutByDefault
          ? DEFAULT_TIMEOUT_MS
          : undefined
        : duration("timeout", timeout),
    discardResponseMessage: discardResponseMessage === true,
  };
}

export function connectParams(given: object = {}): ConnectParams {
  const {
    plaintext = false,
    reflect = false,
    timeout = DEFAULT_CONNECT_TIMEOUT_MS,
    maxReceiveSize,
    maxSendSize: _,
    tls = {},
    ...unknown
  } = { ...given } as Record<string, unknown>;
  refuse(unknown);
  if (reflect === true) throw new Error("reflect is not supported: use load or loadProtoset");
  return {
    plaintext: plaintext === true,
    timeoutMs: duration("timeout", timeout),
    maxReceiveSize: typeof maxReceiveSize === "number" ? maxReceiveSize : undefined,
    tls: tls as TlsParams,
  };
}

function refuse(unknown: Record<string, unknown>): void {
  const [key] = Object.keys(unknown);
  if (key !== undefined) throw new Error(`unknown param: "${key}"`);
}

function duration(name: string, value: unknown): number {
  const parsed = parseDuration(value);
  if (parsed === undefined) throw new Error(`invalid ${name} value: ${JSON.stringify(value)}`);
  return parsed;
}

function metadataOf(given: unknown): MetadataEntry[] {
  return Object.entries(given as object).map(([key, value]): MetadataEntry => {
    const name = key.toLowerCase();
    if (!name.endsWith("-bin")) {
      if (typeof value === "string") return [name, value];
      throw new Error(`metadata ${key} must be a text`);
    }
    if (value instanceof ArrayBuffer) return [name, new Uint8Array(value)];
    if (value instanceof Uint8Array) return [name, value];
    throw new Error(`metadata ${key} must be bytes`);
  });
}
