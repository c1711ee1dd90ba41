/** gRPC metadata to and from header fields: names checked, values of `-bin` keys in base64. */
import type { HeaderField } from "./hpack/static-table.ts";

/** Bytes exactly for names that end in `-bin`. */
export type MetadataEntry = readonly [name: string, value: string | Uint8Array];

const NAME = /^[0-9a-z_.-]+$/;
const PRINTABLE = /^[\x20-\x7e]*$/;
/** Set by the request itself; a second one would be malformed or contradict it. */
const RESERVED = new Set(["te", "content-type", "grpc-timeout", "grpc-encoding", "connection", "host"]);

/** Throws RangeError naming the entry that cannot be sent. */
export function encodeMetadata(entries: Iterable<MetadataEntry>): HeaderField[] {
  return Array.from(entries, ([name, value]) => {
    if (!NAME.test(name) || RESERVED.has(name)) {
      throw new RangeError(`metadata name ${JSON.stringify(name)} is not allowed`);
    }
    if (typeof value !== "string") {
      if (!name.endsWith("-bin")) throw new RangeError(`metadata ${name} has bytes but does not end in -bin`);
      return { name, value: Buffer.from(value).toString("base64").replace(/=+$/, "") };
    }
    if (name.endsWith("-bin")) throw new RangeError(`metadata ${name} ends in -bin but has no bytes`);
    if (!PRINTABLE.test(value)) {
      throw new RangeError(`metadata ${name} has a value beyond printable ASCII: ${JSON.stringify(value)}`);
    }
    return { name, value };
  });
}

/** The entries of received fields, without pseudo-headers. A `-bin` field may hold several, comma-separated. */
export function decodeMetadata(fields: readonly HeaderField[]): MetadataEntry[] {
  return fields.flatMap(({ name, value }): MetadataEntry[] => {
    if (name.startsWith(":")) return [];
    if (!name.endsWith("-bin")) return [[name, value]];
    return value.split(",").map((part) => [name, Buffer.from(part.trim(), "base64")]);
  });
}
