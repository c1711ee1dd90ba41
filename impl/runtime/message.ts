// A message on its way through the pipeline: protobuf bytes, or bytes that are compressed already.

/** Message encodings of gRPC that this server writes. */
export type Encoding = "gzip";

/** In which callers announce the encodings they take, comma separated: grpc-js hides the standard key from its servers. */
export const ACCEPT_ENCODING_KEY = "x-accept-encoding";

/** A message whose bytes are the output of `encoding`. */
export class CompressedMessage {
  readonly encoding: Encoding;
  readonly bytes: Uint8Array;

  constructor(encoding: Encoding, bytes: Uint8Array) {
    this.encoding = encoding;
    this.bytes = bytes;
  }

  get byteLength(): number {
    return this.bytes.byteLength;
  }
}

export type Message = Uint8Array | CompressedMessage;
