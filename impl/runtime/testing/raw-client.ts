// A gRPC client that hides nothing: node:http2 streams and frames made by hand, for what a well-behaved client never does or never shows.
import { type ClientHttp2Stream, connect, constants, type IncomingHttpHeaders } from "node:http2";

export interface RawReply {
  readonly headers: IncomingHttpHeaders;
  /** True when the first HEADERS frame also ended the stream: a Trailers-Only response. */
  readonly trailersOnly: boolean;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly resetCode: number;
}

export interface RawConnection extends AsyncDisposable {
  /** Opens a stream without sending a message. */
  open(path: string, headers?: Record<string, string>): ClientHttp2Stream;
  /** Sends the whole body and waits for the end of the stream. */
  call(path: string, body: Uint8Array, headers?: Record<string, string>): Promise<RawReply>;
  /** Cuts the connection without a word. */
  cut(): void;
}

/** A length-prefixed gRPC message. */
export function grpcFrame(message: Uint8Array, flag = 0): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt8(flag, 0);
  header.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([header, message]);
}

/** The messages of a body, with their flags. */
export function grpcMessages(body: Buffer): Array<{ flag: number; bytes: Buffer }> {
  const messages: Array<{ flag: number; bytes: Buffer }> = [];
  for (let at = 0; at < body.byteLength; ) {
    const length = body.readUInt32BE(at + 1);
    messages.push({ flag: body.readUInt8(at), bytes: body.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  return messages;
}

export async function rawConnection(address: string): Promise<RawConnection> {
  const session = connect(`http://${address}`);
  session.on("error", () => {});
  await new Promise<void>((resolve) => session.once("connect", () => resolve()));
  const closed = new Promise<void>((resolve) => session.once("close", resolve));
  const open = (path: string, headers: Record<string, string> = {}): ClientHttp2Stream => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.on("error", () => {});
    return stream;
  };
  return {
    open,
    call(path, body, headers) {
      const stream = open(path, headers);
      const reply = rawReply(stream);
      stream.end(body);
      return reply;
    },
    cut: () => session.destroy(),
    async [Symbol.asyncDispose]() {
      session.destroy();
      await closed;
    },
  };
}

/** Resolves when the stream has closed, whoever closed it. */
export function rawReply(stream: ClientHttp2Stream): Promise<RawReply> {
  return new Promise((resolve) => {
    let headers: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    let trailersOnly = false;
    const chunks: Buffer[] = [];
    stream.on("response", (received, flags) => {
      headers = received;
      trailersOnly = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    });
    stream.on("trailers", (received) => {
      trailers = received;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("close", () =>
      resolve({
        headers,
        trailersOnly,
        trailers,
        body: Buffer.concat(chunks),
        resetCode: stream.rstCode ?? 0,
      }),
    );
  });
}
