/** A header block that cannot be decoded. Fatal to its connection: the shared table is lost (COMPRESSION_ERROR). */

export type HpackFault = "truncated" | "integer" | "index" | "huffman" | "table-size" | "list-too-large";

export class HpackError extends Error {
  override readonly name = "HpackError";
  readonly fault: HpackFault;

  constructor(fault: HpackFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

export function hpackError(fault: HpackFault, message: string): HpackError {
  return new HpackError(fault, `hpack: ${message}`);
}
