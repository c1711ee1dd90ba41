// Which web pages may read responses. Credentials are headers that a page must set itself, so cookies are never allowed.
import type { IncomingMessage, ServerResponse } from "node:http";

const ALLOWED_HEADERS = [
  "accept",
  "authorization",
  "content-type",
  "grpc-timeout",
  "last-event-id",
  "traceparent",
  "tracestate",
  "x-api-key",
].join(", ");
const ALLOWED_METHODS = "GET, PUT, POST, DELETE, PATCH";
/** How long a browser remembers what it was told. */
const MAX_AGE_SECONDS = 600;

export interface Cors {
  /** Adds to a response what lets the page read it. */
  allow(request: IncomingMessage, response: ServerResponse): void;
  /** Answers a browser's question before a call. */
  preflight(request: IncomingMessage, response: ServerResponse): void;
}

/** `origins` such as "https://shop.example.com", or "*" for every page. Throws an Error that names one which is none. */
export function createCors(origins: readonly string[]): Cors {
  for (const origin of origins) {
    if (origin !== "*" && URL.parse(origin)?.origin !== origin) {
      throw new Error(`"${origin}" is not an origin such as https://shop.example.com`);
    }
  }
  const allowed = new Set(origins);
  const isAllowed = (origin: string | undefined): origin is string =>
    origin !== undefined && (allowed.has(origin) || allowed.has("*"));
  const allow = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (allowed.size === 0) return false;
    // For caches: what is answered depends on it, also when it is refused.
    response.setHeader("vary", "origin");
    const { origin } = request.headers;
    if (!isAllowed(origin)) return false;
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("access-control-expose-headers", "retry-after");
    return true;
  };
  return {
    allow,
    preflight(request, response) {
      if (allow(request, response)) {
        response.setHeader("access-control-allow-methods", ALLOWED_METHODS);
        response.setHeader("access-control-allow-headers", ALLOWED_HEADERS);
        response.setHeader("access-control-max-age", MAX_AGE_SECONDS);
      }
      response.writeHead(204).end();
    },
  };
}
