/** What a response's header block says to a gRPC client. A pure reading of fields: cached with its block. */
import { decodeGrpcMessage } from "./grpc-status.ts";
import type { HeaderField } from "./hpack/static-table.ts";

export interface ResponseHead {
  readonly fields: readonly HeaderField[];
  /** `:status`; 0 when there is none, as in trailers. */
  readonly httpStatus: number;
  /** grpc-status; -1 when there is none. */
  readonly grpcStatus: number;
  /** grpc-message, percent-decoded. */
  readonly grpcMessage: string | undefined;
  /** grpc-encoding. */
  readonly encoding: string | undefined;
  /** content-type is application/grpc, with any suffix. */
  readonly isGrpc: boolean;
  /** Why the block is malformed (RFC 9113, 8.1.1), or undefined. */
  readonly malformed: string | undefined;
}

const GRPC_CONTENT = /^application\/grpc(?:$|[+;])/;
const CONNECTION_FIELDS = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

export function readResponseHead(fields: readonly HeaderField[]): ResponseHead {
  let httpStatus = 0;
  let grpcStatus = -1;
  let grpcMessage: string | undefined;
  let encoding: string | undefined;
  let isGrpc = false;
  for (const { name, value } of fields) {
    if (name === ":status") httpStatus = wholeNumber(value, 999) ?? 0;
    else if (name === "grpc-status") grpcStatus = wholeNumber(value, 0x7fffffff) ?? 2;
    else if (name === "grpc-message") grpcMessage = decodeGrpcMessage(value);
    else if (name === "grpc-encoding") encoding = value;
    else if (name === "content-type") isGrpc = GRPC_CONTENT.test(value);
  }
  return { fields, httpStatus, grpcStatus, grpcMessage, encoding, isGrpc, malformed: fault(fields) };
}

function fault(fields: readonly HeaderField[]): string | undefined {
  let pseudo = 0;
  for (const [position, { name, value }] of fields.entries()) {
    if (name.startsWith(":")) {
      if (name !== ":status") return `pseudo-header ${name} in a response`;
      if (position !== pseudo++) return "pseudo-header after a field";
      if (pseudo > 1) return "two :status fields";
      if (!/^[1-9][0-9]{2}$/.test(value)) return `:status ${JSON.stringify(value)}`;
    } else if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) {
      return `field name ${JSON.stringify(name)}`;
    } else if (CONNECTION_FIELDS.has(name)) {
      return `connection-specific field ${name}`;
    } else if (/[\0\r\n]/.test(value)) {
      return `value of field ${name}`;
    }
  }
  return undefined;
}

function wholeNumber(text: string, max: number): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}
