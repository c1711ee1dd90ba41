// Encodes messages one after another with one writer, so that a message costs the bytes it has and no scratch buffer of its own.
import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** What ts-proto makes of a message type, as far as encoding goes. */
export interface Encodable<T> {
  encode(message: T, writer?: BinaryWriter): { finish(): Uint8Array };
}

/** A writer never shrinks, so one that has seen a larger message is not kept. */
const MAX_KEPT_BYTES = 64 * 1024;

let kept: BinaryWriter | undefined;

/** The bytes are the caller's: nothing else refers to them. */
export function encodeMessage<T>(codec: Encodable<T>, message: T): Uint8Array {
  // Taken, so that one whose message cannot be encoded is not used again, and nobody meets one in use.
  const writer = kept ?? new BinaryWriter();
  kept = undefined;
  const bytes = codec.encode(message, writer).finish();
  if (bytes.byteLength <= MAX_KEPT_BYTES) kept = writer;
  return bytes;
}
