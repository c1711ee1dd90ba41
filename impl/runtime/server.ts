// A gRPC server of byte handlers: composes the chains, binds, counts open calls, and drains.
// Draining: NOT_SERVING; wait for balancers to see it; GOAWAY; unary calls finish, response streams end with UNAVAILABLE and their
// resume token; what is left after the grace period is cut.
import type { ServerCredentials } from "@grpc/grpc-js";
import type { Call, CallEnvironment } from "./call.ts";
import { type Clock, sleep } from "./clock.ts";
import { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS } from "./connection-limits.ts";
import { bind, createGrpcJsServer } from "./grpc-js-transport.ts";
import { type BoundMethod, compose, type Handler, type Link } from "./handler.ts";
import { createHealth, type Health } from "./health.ts";
import { addReflection } from "./reflection.ts";
import { createRequestTimeout } from "./request-timeout.ts";
import { RpcError, unimplemented } from "./rpc-error.ts";
import type { Schema } from "./schema.ts";
import type { ServiceImplementation } from "./service.ts";
import { Code } from "./status.ts";
import { UnsentResponses } from "./unsent-responses.ts";
import { WaitingRequests } from "./waiting-requests.ts";

export interface ServerLimits extends ConnectionLimits {
  /** Largest message accepted and sent, in bytes after decompression. Default 4 MiB. */
  readonly maxMessageBytes: number;
  /** How long a caller may take to send the one request of a call, at least; twice that at most. Default 60 s. */
  readonly requestTimeoutMs: number;
  /** How long a caller may take to read one message of a response, at least; twice that at most. Default 60 s. */
  readonly readerTimeoutMs: number;
  /** Bytes of responses that may wait for all slow readers together; beyond it the slowest are cut. Default 256 MiB. */
  readonly maxUnsentBytes: number;
  /** Bytes of requests that have come and whose callers keep the call open before it can begin, together. Default 64 MiB. */
  readonly maxWaitingRequestBytes: number;
  /** How long balancers are given to see NOT_SERVING before connections are closed. Default 0. */
  readonly drainDelayMs: number;
  /** How long open calls are given after that. Default 10 s. */
  readonly drainGraceMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  ...DEFAULT_CONNECTION_LIMITS,
  maxMessageBytes: 4 * 1024 * 1024,
  requestTimeoutMs: 60_000,
  readerTimeoutMs: 60_000,
  maxUnsentBytes: 256 * 1024 * 1024,
  maxWaitingRequestBytes: 64 * 1024 * 1024,
  drainDelayMs: 0,
  drainGraceMs: 10_000,
};

/** What the last statuses of a drain are given to leave the process before connections are cut. */
const FLUSH_MS = 100;

export interface ServerOptions {
  readonly schema: Schema;
  /** Methods of the schema that none of them implements answer UNIMPLEMENTED. */
  readonly services: readonly ServiceImplementation[];
  /** Outermost first. */
  readonly links: readonly Link[];
  readonly environment: CallEnvironment;
  readonly credentials: ServerCredentials;
  /** "host:port"; port 0 for any free one. */
  readonly address: string;
  readonly limits?: Partial<ServerLimits>;
}

/** Another way in for the same calls, which drains with the server. */
export interface Door {
  /** Takes no new calls; resolves when the connections are closed, after the calls on them. */
  close(): Promise<void>;
  /** Closes what is still open. */
  cut(): void;
}

export interface RunningServer {
  readonly address: string;
  readonly port: number;
  readonly health: Health;
  readonly openCalls: number;
  /** Every method with its chain, by path, for other transports. */
  readonly methods: ReadonlyMap<string, BoundMethod>;
  /** Tells of a call of another transport at its start: its request is awaited and it is drained as any other. */
  admit(call: Call): void;
  addDoor(door: Door): void;
  /** Stops without losing what can be finished. Resolves when nothing is open; safe to call twice. */
  drain(): Promise<void>;
}

export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { clock } = options.environment;
  const open = new Set<Call>();
  const forget = (call: Call): boolean => open.delete(call);
  const requestTimeout = createRequestTimeout(open, clock, limits.requestTimeoutMs);
  const unsentResponses = new UnsentResponses(
    { timeoutMs: limits.readerTimeoutMs, maxBytes: limits.maxUnsentBytes },
    clock,
  );
  const health = createHealth(options.schema.services);
  const methods = bindMethods(options);
  const doors: Door[] = [];
  const admit = (call: Call): void => {
    open.add(call);
    call.onFinish(forget);
    if (call.awaitsRequest) requestTimeout.watch();
  };
  const server = createGrpcJsServer({
    methods,
    environment: options.environment,
    maxMessageBytes: limits.maxMessageBytes,
    connections: limits,
    waitingRequests: new WaitingRequests(limits.maxWaitingRequestBytes),
    unsentResponses,
    onCall: admit,
  });
  const host = { addService: server.addService.bind(server) } as Parameters<Health["addTo"]>[0];
  health.addTo(host);
  addReflection(host, options.schema);
  const port = await bind(server, options.address, options.credentials);
  const stop = async (): Promise<void> => {
    health.shutDown();
    if (limits.drainDelayMs > 0) await sleep(clock, limits.drainDelayMs);
    const closed = Promise.all([
      new Promise<void>((resolve) => server.tryShutdown(() => resolve())),
      ...doors.map((door) => door.close()),
    ]);
    health.endWatches();
    for (const call of open) if (call.method.responseStream) call.fail(draining(call));
    await within(clock, closed, limits.drainGraceMs);
    if (open.size > 0) {
      for (const call of open) call.fail(draining(call));
      await within(clock, closed, FLUSH_MS);
    }
    server.forceShutdown();
    for (const door of doors) door.cut();
    await within(clock, closed, FLUSH_MS);
    requestTimeout.stop();
    unsentResponses.stop();
  };
  let drained: Promise<void> | undefined;
  return {
    address: `${options.address.slice(0, options.address.lastIndexOf(":"))}:${port}`,
    port,
    health,
    get openCalls() {
      return open.size;
    },
    methods,
    admit,
    addDoor: (door) => doors.push(door),
    drain() {
      drained ??= stop();
      return drained;
    },
  };
}

/** Resolves when `event` does or the time is over, whichever comes first, and leaves no timer. */
function within(clock: Clock, event: Promise<unknown>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    void event.then(() => {
      cancel();
      resolve();
    });
  });
}

function bindMethods({ schema, services, links }: ServerOptions): ReadonlyMap<string, BoundMethod> {
  const implemented = new Map<string, Handler>();
  for (const service of services) {
    for (const [path, handler] of service) {
      if (!schema.methods.has(path)) throw new Error(`${path} is implemented but is not in the schema`);
      if (implemented.has(path)) throw new Error(`${path} is implemented twice`);
      implemented.set(path, handler);
    }
  }
  const bound = new Map<string, BoundMethod>();
  for (const [path, method] of schema.methods) {
    const refuse: Handler = () => {
      throw unimplemented(path);
    };
    bound.set(path, { method, handler: compose(links, method, implemented.get(path) ?? refuse) });
  }
  return bound;
}

function draining(call: Call): RpcError {
  const token = call.resumeToken;
  return new RpcError({
    code: Code.UNAVAILABLE,
    reason: "SERVER_DRAINING",
    message: "the server is shutting down",
    values: token === undefined ? {} : { resume_token: token },
    trailers: token === undefined ? [] : [["resume-token", token]],
  });
}
