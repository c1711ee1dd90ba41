// Starts a real server on a free port for a test, with everything it logs and every call it finished kept for inspection.
import { readFileSync } from "node:fs";
import { ServerCredentials } from "@grpc/grpc-js";
import { createErrorBoundary, type ErrorTranslator } from "../boundary.ts";
import type { Call } from "../call.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Link } from "../handler.ts";
import type { Logger } from "../logger.ts";
import { readSchema, type Schema } from "../schema.ts";
import { type RunningServer, type ServerLimits, startServer } from "../server.ts";
import type { ServiceImplementation } from "../service.ts";
import type { Status } from "../status.ts";

export interface LogLine {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

export interface TestServer extends RunningServer {
  readonly log: readonly LogLine[];
  /** Calls that have ended, in the order of their end. */
  readonly ended: ReadonlyArray<{ readonly call: Call; readonly status: Status }>;
}

export interface TestServerOptions {
  readonly schema: Schema;
  readonly services: readonly ServiceImplementation[];
  readonly links?: readonly Link[];
  readonly translators?: readonly ErrorTranslator[];
  readonly clock?: Clock;
  readonly limits?: Partial<ServerLimits>;
  /** Default: plaintext. */
  readonly credentials?: ServerCredentials;
  /** Keep every call in `ended`. Default true. */
  readonly record?: boolean;
}

export async function startTestServer(options: TestServerOptions): Promise<TestServer> {
  const log: LogLine[] = [];
  const ended: Array<{ call: Call; status: Status }> = [];
  const record: Link = (_, next) => (call, input) => {
    call.onFinish((finished, status) => ended.push({ call: finished, status }));
    return next(call, input);
  };
  const server = await startServer({
    schema: options.schema,
    services: options.services,
    links: [...(options.record === false ? [] : [record]), ...(options.links ?? [])],
    environment: {
      clock: options.clock ?? systemClock,
      log: recordingLogger(log),
      boundary: createErrorBoundary({
        domain: "testing.example.com",
        translators: options.translators ?? [],
      }),
    },
    credentials: options.credentials ?? ServerCredentials.createInsecure(),
    address: "127.0.0.1:0",
    limits: { drainGraceMs: 2_000, ...options.limits },
  });
  return Object.assign(Object.create(server), { log, ended });
}

/** A logger that keeps its lines. */
export function recordingLogger(lines: LogLine[], bound: Record<string, unknown> = {}): Logger {
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields: { ...bound, ...fields }, message });
  };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => recordingLogger(lines, { ...bound, ...fields }),
  };
}

/** The schema of the whole system. */
export function ecommerceSchema(): Schema {
  return readSchema(readFileSync(new URL("../../../proto/gen/image.binpb", import.meta.url)));
}
