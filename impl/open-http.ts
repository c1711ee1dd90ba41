// JSON over HTTP beside gRPC, where configuration asks for it.
import { readFile } from "node:fs/promises";
import type { OpenServerCredentials } from "./auth/server-credentials.ts";
import type { Config } from "./config.ts";
import { type RunningHttpServer, startHttpServer } from "./http/http-server.ts";
import type { CallEnvironment } from "./runtime/call.ts";
import type { Schema } from "./runtime/schema.ts";
import type { RunningServer, ServerLimits } from "./runtime/server.ts";

interface HttpParts {
  readonly schema: Schema;
  readonly server: RunningServer;
  readonly environment: CallEnvironment;
  readonly limits: ServerLimits;
  readonly tls: OpenServerCredentials;
}

/** Undefined without HTTP_PORT. Drains with the server. */
export async function openHttp(config: Config, parts: HttpParts): Promise<RunningHttpServer | undefined> {
  const { schema, server, environment, limits, tls } = parts;
  if (config.HTTP_PORT === undefined) return undefined;
  const openapi = await readFile(new URL("../docs/api/openapi.json", import.meta.url), "utf8");
  const http = await startHttpServer({
    schema,
    methods: server.methods,
    environment,
    onCall: server.admit,
    host: config.HOST,
    port: config.HTTP_PORT,
    corsOrigins: config.HTTP_CORS_ORIGINS.split(",")
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ""),
    documents: new Map([["/openapi.json", openapi]]),
    limits,
    tls: tls.options,
  });
  server.addDoor(http);
  tls.onReplace((options) => http.setTls(options));
  // Files may have been replaced while the port was opened.
  if (tls.options !== undefined) http.setTls(tls.options);
  return http;
}
