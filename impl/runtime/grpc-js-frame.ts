// How a message becomes what grpc-js sends. Knows how grpc-js frames a message, which it shares with nobody.
import { CompressedMessage, type Message } from "./message.ts";

/**
 * grpc-js frames a message by writing the flag "not compressed" at offset 0 and then calling `message.copy(frame, 5)`. A compressed message is a
 * buffer whose `copy` also sets the flag. Pinned by a test against the installed version.
 */
export function asFrame(message: Message): Buffer {
  if (!(message instanceof CompressedMessage)) return asBuffer(message);
  const bytes = asBuffer(message.bytes);
  return Object.defineProperty(bytes, "copy", { value: copyCompressed });
}

function copyCompressed(this: Buffer, frame: Buffer, offset: number): number {
  frame[0] = 1;
  frame.set(this, offset);
  return this.byteLength;
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
