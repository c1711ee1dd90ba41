// The API over plain HTTP, for browsers and for curl: another transport beside gRPC's, before the same chain of every method. Routes come from
// google.api.http in the contract; a method without it is not served here.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TlsOptions } from "node:tls";
import { Call, type CallEnvironment, type RequestMetadata } from "#impl/runtime/call.ts";
import { type ConnectionLimits, createAdmission } from "#impl/runtime/connection-limits.ts";
import type { BoundMethod } from "#impl/runtime/handler.ts";
import { readHttpRules } from "#impl/runtime/http-rules.ts";
import { ACCEPT_ENCODING_KEY } from "#impl/runtime/message.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import type { Door, ServerLimits } from "#impl/runtime/server.ts";
import { UnsentResponses } from "#impl/runtime/unsent-responses.ts";
import { WaitingRequests } from "#impl/runtime/waiting-requests.ts";
import { createCors } from "./cors.ts";
import { timeoutMs } from "./grpc-timeout.ts";
import { HttpCall, type HttpCallEnvironment } from "./http-call.ts";
import {
  bodyNotTaken,
  bodyTooLarge,
  contentTypeNotJson,
  type HttpError,
  methodNotAllowed,
  pathMalformed,
  pathNotFound,
  timeoutMalformed,
} from "./http-errors.ts";
import { statusJson } from "./http-status.ts";
import { JSON_DOCUMENT, streamFormat } from "./response-format.ts";
import { createRouter, type Router } from "./router.ts";

export interface HttpServerOptions {
  readonly schema: Schema;
  /** By path of gRPC, with their chains. */
  readonly methods: ReadonlyMap<string, BoundMethod>;
  readonly environment: CallEnvironment;
  /** Told of every call at its start. */
  readonly onCall: (call: Call) => void;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Origins of web pages that may call; "*" is all of them. */
  readonly corsOrigins: readonly string[];
  /** JSON documents by path, such as "/openapi.json". */
  readonly documents: ReadonlyMap<string, string>;
  readonly limits: ConnectionLimits &
    Pick<
      ServerLimits,
      "maxMessageBytes" | "requestTimeoutMs" | "readerTimeoutMs" | "maxUnsentBytes" | "maxWaitingRequestBytes"
    >;
  /** Without it connections are plaintext. */
  readonly tls?: TlsOptions | undefined;
}

export interface RunningHttpServer extends Door {
  /** "host:port". */
  readonly address: string;
  /** What new connections get from now on. */
  setTls(options: TlsOptions): void;
}

interface Route {
  readonly bound: BoundMethod;
  readonly body: string;
}

/** Rejects with an Error that names the address when it cannot listen there. */
export async function startHttpServer(options: HttpServerOptions): Promise<RunningHttpServer> {
  const { limits, host, tls } = options;
  const unsentResponses = new UnsentResponses(
    { timeoutMs: limits.readerTimeoutMs, maxBytes: limits.maxUnsentBytes },
    options.environment.clock,
  );
  const answer = createAnswer(options, {
    registry: options.schema.registry,
    maxMessageBytes: limits.maxMessageBytes,
    waitingRequests: new WaitingRequests(limits.maxWaitingRequestBytes),
    unsentResponses,
  });
  const nodeOptions = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.requestTimeoutMs,
    // A call whose body is late is ended by its own timeout, between one and two of these after its start; this is for what is no call.
    requestTimeout: 3 * limits.requestTimeoutMs,
    keepAliveTimeout: limits.connectionIdleMs,
    connectionsCheckingInterval: Math.min(30_000, limits.requestTimeoutMs),
  };
  const secure =
    tls === undefined
      ? undefined
      : createTlsServer({ ...nodeOptions, ...tls, handshakeTimeout: limits.handshakeTimeoutMs });
  const server: Server = secure ?? createServer(nodeOptions);
  let closing = false;
  // Before the first byte is read of what is refused.
  server.prependListener("connection", createAdmission(limits, options.environment.log));
  server.on("request", (request, response) => {
    if (closing) response.setHeader("connection", "close");
    // A connection that was busy when the server began to close is idle now.
    response.once("close", () => {
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    answer(request, response);
  });
  await listen(server, host, options.port);
  return {
    address: `${host.includes(":") ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    setTls: (replacement) => secure?.setSecureContext(replacement),
    close() {
      closing = true;
      return new Promise((resolve) => server.close(() => resolve()));
    },
    cut() {
      server.closeAllConnections();
      unsentResponses.stop();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void =>
      reject(new Error(`HTTP cannot listen on ${host}:${port}: ${error.message}`, { cause: error }));
    server.once("error", refuse);
    server.listen(port, host, () => {
      server.off("error", refuse);
      resolve();
    });
  });
}

/** The routes of all methods that have one. Throws on one that cannot be served. */
export function routesOf({ schema, methods }: Pick<HttpServerOptions, "schema" | "methods">): Router<Route> {
  const entries = [...schema.registry]
    .filter((type) => type.kind === "service")
    .flatMap((service) => service.methods)
    .flatMap((desc) => {
      const bound = methods.get(`/${desc.parent.typeName}/${desc.name}`);
      if (bound === undefined) return [];
      const rules = readHttpRules(schema.registry, desc);
      if (rules.length > 0 && bound.method.requestStream) {
        throw new Error(`${desc}: a stream of requests cannot come over HTTP`);
      }
      return rules.map(({ verb, path, body }) => ({
        httpMethod: verb,
        template: path,
        route: { bound, body },
      }));
    });
  return createRouter(entries);
}

function createAnswer(
  options: HttpServerOptions,
  calls: HttpCallEnvironment,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { environment, documents } = options;
  const router = routesOf(options);
  const cors = createCors(options.corsOrigins);
  const refuse = (response: ServerResponse, { status, error, headers }: HttpError): void => {
    const body = statusJson(environment.boundary(error), calls.registry);
    response.writeHead(status, {
      "content-type": "application/json",
      "cache-control": "no-store",
      ...headers,
    });
    response.end(`${JSON.stringify(body)}\n`);
  };
  return (request, response) => {
    const { method = "", url = "" } = request;
    if (method === "OPTIONS") {
      cors.preflight(request, response);
      return;
    }
    cors.allow(request, response);
    const [path, query] = splitUrl(url);
    const document = documents.get(path);
    if (document !== undefined && method === "GET") {
      response.writeHead(200, { "content-type": "application/json" }).end(document);
      return;
    }
    const found = router.find(method, path);
    if (found.kind === "route") {
      const { bound, body } = found.route;
      const refusal = refusalOf(request, body, calls.maxMessageBytes);
      if (refusal !== undefined) {
        refuse(response, refusal);
        return;
      }
      const { responseStream, input } = bound.method;
      const resumable = responseStream && input.fields.some(({ name }) => name === "resume_token");
      const call = createCall(bound, request, environment);
      new HttpCall(
        call,
        bound,
        {
          request,
          response,
          format: responseStream ? streamFormat(request.headers.accept) : JSON_DOCUMENT,
          body,
          pathValues: found.values,
          query,
          resumeToken: resumable ? headerOf(request, "last-event-id") : undefined,
        },
        calls,
      ).start();
      options.onCall(call);
    } else if (found.kind === "otherMethod") refuse(response, methodNotAllowed(method, found.allow));
    else refuse(response, found.kind === "malformed" ? pathMalformed() : pathNotFound(path));
  };
}

function splitUrl(url: string): readonly [path: string, query: string] {
  const at = url.indexOf("?");
  return at === -1 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
}

const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?\s*$/i;

/** What is wrong with the form of a request, as its head says. */
function refusalOf({ headers }: IncomingMessage, body: string, maxBytes: number): HttpError | undefined {
  const timeout = headers["grpc-timeout"];
  if (timeout !== undefined && timeoutMs(String(timeout)) === undefined) {
    return timeoutMalformed(String(timeout));
  }
  const length = Number(headers["content-length"] ?? 0);
  if (length === 0 && headers["transfer-encoding"] === undefined) return undefined;
  if (body === "") return { ...bodyNotTaken(), headers: { connection: "close" } };
  const contentType = headers["content-type"] ?? "";
  if (!JSON_TYPE.test(contentType)) {
    return { ...contentTypeNotJson(contentType), headers: { connection: "close" } };
  }
  return length > maxBytes ? bodyTooLarge(maxBytes) : undefined;
}

function createCall({ method }: BoundMethod, request: IncomingMessage, environment: CallEnvironment): Call {
  const { remoteAddress, remotePort } = request.socket;
  const timeout = timeoutMs(headerOf(request, "grpc-timeout") ?? "");
  const call = new Call(
    method,
    new HttpMetadata(request),
    remoteAddress === undefined ? "unknown" : `${remoteAddress}:${remotePort}`,
    timeout === undefined ? Number.POSITIVE_INFINITY : environment.clock.now() + timeout,
    environment,
  );
  call.awaitsRequest = true;
  return call;
}

/** Headers are the metadata of the call. */
class HttpMetadata implements RequestMetadata {
  readonly #request: IncomingMessage;

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  get(key: string): string | undefined {
    // Of gRPC messages, which are not what is sent here.
    return key === ACCEPT_ENCODING_KEY ? undefined : headerOf(this.#request, key);
  }
}

/** Undefined also when it is empty. */
function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  const first = typeof value === "object" ? value[0] : value;
  return first === "" ? undefined : first;
}
