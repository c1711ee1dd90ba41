// What the secret of an API key looks like: "gec_", 8 characters by which people know it, and then its key's id and 256 random bits, with a
// checksum at the end, so that a scanner of source code finds one by its form and knows that it is one without asking anybody:
// gec_[A-Za-z0-9_-]{78}.
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

const MARK = "gec_";
const LABEL_BYTES = 6;
const ID_BYTES = 16;
const RANDOM_BYTES = 32;
const CHECKSUM_BYTES = 4;
const FORM = /^gec_[A-Za-z0-9_-]{78}$/;
const SHOWN_CHARS = MARK.length + (LABEL_BYTES * 8) / 6;

export type RandomBytes = (count: number) => Uint8Array;

/** `apiKeyId` is a UUID. */
export function makeApiKeySecret(apiKeyId: string, randomBytes: RandomBytes): string {
  const id = Buffer.from(apiKeyId.replaceAll("-", ""), "hex");
  const parts = [randomBytes(LABEL_BYTES), id, randomBytes(RANDOM_BYTES)];
  const content = MARK + Buffer.concat(parts).toString("base64url");
  return content + checksum(content);
}

/** The id of the key that it claims to be of; undefined when it is no secret of ours. Nothing is proven by it. */
export function apiKeyIdOf(secret: string): string | undefined {
  if (!FORM.test(secret)) return undefined;
  const end = secret.length - checksum("").length;
  const content = secret.slice(0, end);
  if (checksum(content) !== secret.slice(end)) return undefined;
  const id = Buffer.from(content.slice(MARK.length), "base64url").subarray(
    LABEL_BYTES,
    LABEL_BYTES + ID_BYTES,
  );
  return id.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** By which people recognize it: none of its random bits that prove anything. */
export function shownPrefix(secret: string): string {
  return secret.slice(0, SHOWN_CHARS);
}

/**
 * What is stored of it. A fast hash is right here: a slow one makes guessing dear, and of 256 random bits there is nothing to guess; it would
 * only make every verification dear.
 */
export function hashApiKeySecret(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

function checksum(content: string): string {
  const bytes = Buffer.alloc(CHECKSUM_BYTES);
  bytes.writeUInt32BE(crc32(content));
  return bytes.toString("base64url");
}
