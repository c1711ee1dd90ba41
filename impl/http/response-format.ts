// How responses are written: one message as a JSON document; a stream as a JSON text a line, {"result": ...}, or as server-sent events whose
// ids are resume tokens. A stream that has begun says at its end how it ended: in the last line, or in the event "status".
import type { JsonValue } from "@bufbuild/protobuf";

export interface ResponseFormat {
  readonly contentType: string;
  message(json: JsonValue): string;
  /** What follows the messages of a stream that has begun. `resumeToken` is where it can go on, `retryMs` when. */
  end(end: StreamEnd): string;
  /** What shows that a silent stream is alive; "" when there is no such thing. */
  readonly keepAlive: string;
}

export interface StreamEnd {
  readonly ok: boolean;
  /** google.rpc.Status. */
  readonly status: JsonValue;
  readonly resumeToken: string | undefined;
  readonly retryMs: number | undefined;
}

export const JSON_DOCUMENT: ResponseFormat = {
  contentType: "application/json",
  message: (json) => `${JSON.stringify(json)}\n`,
  end: () => "",
  keepAlive: "",
};

export const JSON_LINES: ResponseFormat = {
  contentType: "application/x-ndjson",
  message: (json) => `${JSON.stringify({ result: json })}\n`,
  end: ({ ok, status, resumeToken }) =>
    ok ? "" : `${JSON.stringify({ error: status, ...(resumeToken === undefined ? {} : { resumeToken }) })}\n`,
  keepAlive: "",
};

export const EVENT_STREAM: ResponseFormat = {
  contentType: "text/event-stream",
  message: (json) => `${idLine(resumeTokenOf(json))}data: ${JSON.stringify(json)}\n\n`,
  end: ({ status, resumeToken, retryMs }) =>
    `${retryMs === undefined ? "" : `retry: ${retryMs}\n`}${idLine(resumeToken)}event: status\ndata: ${JSON.stringify(status)}\n\n`,
  keepAlive: ":\n\n",
};

/** Tokens are of letters, digits and punctuation; what could end the line is no token. */
const TOKEN = /^[\x21-\x7e]+$/;

function idLine(token: string | undefined): string {
  return token !== undefined && TOKEN.test(token) ? `id: ${token}\n` : "";
}

function resumeTokenOf(json: JsonValue): string | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  return typeof json.resumeToken === "string" ? json.resumeToken : undefined;
}

/** The format of a stream for an Accept header. */
export function streamFormat(accept: string | undefined): ResponseFormat {
  const types = (accept ?? "").split(",").map((entry) => entry.split(";", 1)[0]?.trim().toLowerCase());
  return types.includes("text/event-stream") ? EVENT_STREAM : JSON_LINES;
}
