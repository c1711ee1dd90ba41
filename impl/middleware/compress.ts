// Compresses response messages with gzip when the method's policy, a size threshold and the caller's accepted encodings agree. A message
// that does not shrink is sent as it is. What the cache serves again is compressed once.
import { constants, gzip, gzipSync } from "node:zlib";
import type { Call } from "#impl/runtime/call.ts";
import { isPromise, isStream, type Link } from "#impl/runtime/handler.ts";
import { ACCEPT_ENCODING_KEY, CompressedMessage, type Message } from "#impl/runtime/message.ts";
import { Compression } from "#impl/runtime/policy.ts";

export interface CompressOptions {
  /** Messages of fewer bytes are never compressed. Default in configuration: 1 KiB. */
  readonly minBytes: number;
  /** Larger messages are compressed off the main thread, which delays them and blocks nobody. Default in configuration: 64 KiB. */
  readonly asyncFromBytes: number;
}

/** Level 1: most of the saving at a fraction of the time; a response is compressed for one reader. */
const GZIP = { level: constants.Z_BEST_SPEED };

export function compress(options: CompressOptions): Link {
  return (method, next) => {
    if (method.policy.compression !== Compression.COMPRESSION_LARGE) return next;
    const pack = method.policy.cache === undefined ? packer(options) : remembering(packer(options));
    return (call, input) => {
      const output = next(call, input);
      if (!acceptsGzip(call.metadata.get(ACCEPT_ENCODING_KEY))) return output;
      if (isPromise(output)) return output.then((message) => packReply(call, message, pack));
      if (!isStream<Message>(output)) return packReply(call, output, pack);
      call.responseEncoding = "gzip";
      return packAll(output, pack);
    };
  };
}

/** gRPC's lists of encodings have names only, no weights. */
function acceptsGzip(announced: string | undefined): boolean {
  if (announced === undefined) return false;
  return announced === "gzip" || announced.split(",").some((name) => name.trim() === "gzip");
}

type Packer = (message: Message) => Message | Promise<Message>;

function packer({ minBytes, asyncFromBytes }: CompressOptions): Packer {
  return (message) => {
    if (message instanceof CompressedMessage || message.byteLength < minBytes) return message;
    if (message.byteLength < asyncFromBytes) return smaller(message, gzipSync(message, GZIP));
    return new Promise((resolve, reject) => {
      gzip(message, GZIP, (error, bytes) =>
        error === null ? resolve(smaller(message, bytes)) : reject(error),
      );
    });
  };
}

function smaller(message: Uint8Array, bytes: Uint8Array): Message {
  return bytes.byteLength < message.byteLength ? new CompressedMessage("gzip", bytes) : message;
}

/** For as long as someone, such as the cache, holds a message, it is compressed only once. */
function remembering(pack: Packer): Packer {
  const packed = new WeakMap<Message, Message | Promise<Message>>();
  return (message) => {
    const known = packed.get(message);
    if (known !== undefined) return known;
    const result = pack(message);
    packed.set(message, result);
    return result;
  };
}

function packReply(call: Call, message: Message, pack: Packer): Message | Promise<Message> {
  const packed = pack(message);
  return packed instanceof Promise ? packed.then((done) => announce(call, done)) : announce(call, packed);
}

function announce(call: Call, message: Message): Message {
  if (message instanceof CompressedMessage) call.responseEncoding = message.encoding;
  return message;
}

async function* packAll(messages: AsyncIterable<Message>, pack: Packer): AsyncGenerator<Message> {
  for await (const message of messages) yield await pack(message);
}
