// Decompression of requests, in place of grpc-js's own, which lets every stream of every connection inflate a message at once and keeps what
// comes out for as long as the caller likes. Here few inflate at a time, and what waits for its handler is counted.
import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { PartialStatusObject } from "./grpc-js-status.ts";
import { RpcError } from "./rpc-error.ts";
import { Code } from "./status.ts";

const DECOMPRESSORS = new Map([
  ["gzip", promisify(gunzip)],
  ["deflate", promisify(inflate)],
]);

/** More would only hold more memory: there are four threads for it. */
const CONCURRENT = 4;

/** What is used of grpc-js's class beside what it declares. Pinned by tests. */
interface Internals {
  readonly incomingEncoding: string;
  decompressMessage: (message: Buffer, encoding: string) => Buffer | Promise<Buffer>;
}

/** What the decompression of a call needs to know of it. */
export interface Decompressed {
  readonly finished: boolean;
  fail(error: RpcError): void;
  /** Throws when no more bytes may wait for their handlers. */
  hold(bytes: number): void;
}

export class Decompression {
  readonly #maxMessageBytes: number;
  #running = 0;
  readonly #waiting: Array<() => void> = [];

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Takes over the messages of one call. True when they may be compressed: then each is held, whether it is or not. */
  takeOver(transport: ServerInterceptingCallInterface, call: Decompressed): boolean {
    const internals = transport as unknown as Internals;
    if (internals.incomingEncoding === "identity") {
      internals.decompressMessage = uncompressed;
      return false;
    }
    internals.decompressMessage = async (message: Buffer, encoding: string): Promise<Buffer> => {
      try {
        const bytes = isCompressed(message)
          ? await this.#inflate(message, encoding, call)
          : message.subarray(5);
        if (!call.finished) call.hold(bytes.byteLength);
        return bytes;
      } catch (error) {
        if (error instanceof RpcError) call.fail(error);
        throw error;
      }
    };
    return true;
  }

  async #inflate(message: Buffer, encoding: string, call: Decompressed): Promise<Buffer> {
    const decompress = DECOMPRESSORS.get(encoding);
    if (decompress === undefined) throw unsupported(encoding);
    if (this.#running >= CONCURRENT) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      if (call.finished) return Buffer.alloc(0);
      const packed = message.subarray(5);
      return await decompress(packed, {
        maxOutputLength: this.#maxMessageBytes,
        chunkSize: chunkBytes(packed.byteLength),
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") {
        throw refusal(Code.INTERNAL, `a message is not valid ${encoding}`);
      }
      throw refusal(Code.RESOURCE_EXHAUSTED, `it decompresses to more than ${this.#maxMessageBytes} bytes`);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

/** Of the output at a time. A small message keeps its whole chunk alive, a large one takes a thread's turn for each. */
function chunkBytes(packedBytes: number): number {
  return Math.min(Math.max(8 * packedBytes, 1_024), 64 * 1_024);
}

/** Of a call that has announced no encoding. */
function uncompressed(message: Buffer): Buffer {
  if (isCompressed(message)) {
    throw refusal(Code.INTERNAL, "a message is compressed, but the call names no grpc-encoding");
  }
  return message.subarray(5);
}

function isCompressed(message: Buffer): boolean {
  const flag = message[0] ?? 0;
  if (flag > 1) throw refusal(Code.INTERNAL, `a message has the flag ${flag}, which is neither 0 nor 1`);
  return flag === 1;
}

/** In grpc-js's own form: it ends the call with what is thrown. */
function refusal(code: Code, details: string): PartialStatusObject {
  return { code: code as number, details, metadata: null };
}

function unsupported(encoding: string): RpcError {
  return new RpcError({
    code: Code.UNIMPLEMENTED,
    reason: "UNSUPPORTED_ENCODING",
    message: `messages compressed with "${encoding}" are not understood`,
    values: { encoding },
    trailers: [["grpc-accept-encoding", ["identity", ...DECOMPRESSORS.keys()].join(",")]],
  });
}
