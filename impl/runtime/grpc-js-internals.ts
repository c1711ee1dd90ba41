// What the adapter uses of a grpc-js call beyond what its types declare: the stream and the decoder of its class. Pinned by tests.
import { constants, type ServerHttp2Stream } from "node:http2";
import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";

interface Internals {
  readonly stream?: ServerHttp2Stream;
  /** Its state is 0 between messages. */
  readonly decoder?: { readonly readState?: number };
}

/** A reset stream ends like any other at first, and grpc-js tells of the reset only later; the stream knows. */
export function isClosed(transport: ServerInterceptingCallInterface): boolean {
  return (transport as Internals).stream?.closed === true;
}

/** The request has ended, and its last message has not: grpc-js drops what there is of it. */
export function endsInsideMessage(transport: ServerInterceptingCallInterface): boolean {
  return ((transport as Internals).decoder?.readState ?? 0) !== 0;
}

export function resetStream(transport: ServerInterceptingCallInterface): void {
  (transport as Internals).stream?.close(constants.NGHTTP2_CANCEL);
}
