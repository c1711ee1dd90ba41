// The operator's door: metrics, liveness, readiness, the process's counters and a CPU profile over plain HTTP. It tells and changes nothing, and listens
// on the loopback unless told otherwise, since it asks nobody who he is.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "#impl/runtime/logger.ts";
import { type CpuProfileFile, ProfileRunningError } from "./cpu-profile.ts";
import type { Metrics } from "./metrics.ts";
import type { RuntimeStatsReader } from "./runtime-stats.ts";

export interface Readiness {
  readonly ready: boolean;
  /** Why not, a line each; without secrets. */
  readonly reasons: readonly string[];
}

export interface AdminOptions {
  /** Default "127.0.0.1". */
  readonly host?: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly metrics: Pick<Metrics, "text" | "contentType">;
  /** Whether traffic should be sent here. */
  readonly readiness: () => Readiness;
  /** It stays the caller's to close. */
  readonly runtime: Pick<RuntimeStatsReader, "read">;
  /** Of the process's CPU, at /debug/profile?seconds=; absent: not served. */
  readonly profile?: (seconds: number) => Promise<CpuProfileFile>;
  readonly log: Logger;
}

/** Whole seconds of /debug/profile. */
const PROFILE_SECONDS = { least: 1, most: 60, usual: 10 } as const;

export interface Admin {
  /** "host:port". */
  readonly address: string;
  readonly port: number;
  /** Stops at once; open connections are cut. Safe to call twice. */
  close(): Promise<void>;
}

/** Rejects with an Error that names the address when it cannot listen there. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { host = "127.0.0.1", port } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`admin port ${port}: must be an integer from 0 to 65535`);
  }
  const server = createServer({ requestTimeout: 10_000 }, handler(options));
  await listen(server, host, port);
  const bound = portOf(server);
  let closed: Promise<void> | undefined;
  return {
    address: `${host.includes(":") ? `[${host}]` : host}:${bound}`,
    port: bound,
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closed;
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void =>
      reject(new Error(`admin cannot listen on ${host}:${port}: ${error.message}`, { cause: error }));
    server.once("error", refuse);
    server.listen(port, host, () => {
      server.off("error", refuse);
      resolve();
    });
  });
}

// A server that listens on TCP has an address with a port.
function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

type Route = (query: URLSearchParams) => Answer | Promise<Answer>;

function handler(options: AdminOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const routes = new Map<string, Route>([
    [
      "/metrics",
      async () => ({
        status: 200,
        contentType: options.metrics.contentType,
        body: await options.metrics.text(),
      }),
    ],
    ["/healthz", () => text(200, "alive")],
    ["/readyz", () => readinessAnswer(options.readiness())],
    ["/debug/runtime", () => json(options.runtime.read())],
  ]);
  const { profile } = options;
  if (profile !== undefined) routes.set("/debug/profile", (query) => profileAnswer(query, profile));
  const paths = [...routes.keys()].join(", ");
  return (request, response) => {
    const [path = "", query] = request.url?.split("?", 2) ?? [];
    const route = routes.get(path);
    request.resume();
    if (route === undefined) {
      send(response, text(404, `there is nothing at this path; there are ${paths}`));
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      send(response, text(405, `${path} can only be read: GET or HEAD`));
    } else {
      void answer(() => route(new URLSearchParams(query)), response, path, options.log);
    }
  };
}

async function answer(
  route: () => Answer | Promise<Answer>,
  response: ServerResponse,
  path: string,
  log: Logger,
): Promise<void> {
  try {
    send(response, await route());
  } catch (error) {
    log.error({ err: error, path }, "an admin request failed");
    send(response, text(500, "failed; the log says why"));
  }
}

function send(response: ServerResponse, { status, contentType, body }: Answer): void {
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" });
  response.end(body);
}

function text(status: number, line: string): Answer {
  return { status, contentType: "text/plain; charset=utf-8", body: `${line}\n` };
}

function json(value: object): Answer {
  return { status: 200, contentType: "application/json", body: `${JSON.stringify(value)}\n` };
}

async function profileAnswer(
  query: URLSearchParams,
  profile: (seconds: number) => Promise<CpuProfileFile>,
): Promise<Answer> {
  const { least, most, usual } = PROFILE_SECONDS;
  const asked = query.get("seconds") ?? String(usual);
  const seconds = Number(asked);
  if (!Number.isInteger(seconds) || seconds < least || seconds > most) {
    return text(400, `seconds=${asked}: must be a whole number from ${least} to ${most}`);
  }
  try {
    return json(await profile(seconds));
  } catch (error) {
    if (error instanceof ProfileRunningError) return text(409, error.message);
    throw error;
  }
}

function readinessAnswer({ ready, reasons }: Readiness): Answer {
  return ready ? text(200, "ready") : text(503, ["not ready", ...reasons].join("\n"));
}
