// Opaque tokens that say where a list or a stream goes on. A token is encrypted and authenticated under a key of the system, and is
// good only for the use it was made for and with the arguments it was made with; nobody else can read, make or change one.
// The construction is a synthetic IV: HMAC-SHA256 over use, arguments and content is both the proof and the IV of AES-256-CTR.
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import type { Clock } from "#impl/runtime/clock.ts";
import { invalidArgument, RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";

export interface PageTokenOptions {
  /** Secret of at least 32 bytes, the same in every process of the system. */
  readonly key: Uint8Array;
  readonly clock: Clock;
  /** How long a token is good for. Default one day. */
  readonly lifetimeMs?: number;
}

export interface TokenUse {
  /** What the token continues, and the version of its position's form, such as "products.search.1". */
  readonly purpose: string;
  /** The request field that carries it, for errors: "page_token", "resume_token". */
  readonly field: string;
  /** A canonical form of the arguments that must not change between pages, of any length. */
  readonly boundTo: string;
}

export interface PageTokens {
  /** About 4/3 of the position's bytes and 28 characters. */
  seal(use: TokenUse, position: string): string;
  /** The position that was sealed. Throws INVALID_ARGUMENT naming the field: "token.invalid" or "token.expired"; OUT_OF_RANGE for an expired resume_token. */
  open(use: TokenUse, token: string): string;
}

const TAG_BYTES = 16;
const TIME_BYTES = 6;
const DAY_MS = 86_400_000;

export function createPageTokens({ key, clock, lifetimeMs = DAY_MS }: PageTokenOptions): PageTokens {
  if (key.byteLength < 32) throw new RangeError(`page token key: has ${key.byteLength} bytes, needs 32`);
  if (!(lifetimeMs > 0)) throw new RangeError(`page token lifetimeMs ${lifetimeMs}: must be above 0`);
  const proofKey = derive(key, "page token proof");
  const cipherKey = derive(key, "page token cipher");

  const proof = (use: TokenUse, content: Uint8Array): Buffer =>
    createHmac("sha256", proofKey)
      .update(JSON.stringify([use.purpose, use.field, use.boundTo]))
      .update("\0")
      .update(content)
      .digest()
      .subarray(0, TAG_BYTES);

  return {
    seal(use, position) {
      const content = Buffer.alloc(TIME_BYTES + Buffer.byteLength(position));
      content.writeUIntBE(Math.trunc(clock.now()), 0, TIME_BYTES);
      content.write(position, TIME_BYTES);
      const tag = proof(use, content);
      const cipher = createCipheriv("aes-256-ctr", cipherKey, tag);
      return Buffer.concat([tag, cipher.update(content), cipher.final()]).toString("base64url");
    },
    open(use, token) {
      const bytes = Buffer.from(token, "base64url");
      // The decoder skips what it does not know and ignores spare bits: only the one canonical spelling is a token.
      if (bytes.length < TAG_BYTES + TIME_BYTES || bytes.toString("base64url") !== token) throw invalid(use);
      const tag = bytes.subarray(0, TAG_BYTES);
      const decipher = createDecipheriv("aes-256-ctr", cipherKey, tag);
      const content = Buffer.concat([decipher.update(bytes.subarray(TAG_BYTES)), decipher.final()]);
      if (!timingSafeEqual(tag, proof(use, content))) throw invalid(use);
      if (clock.now() - content.readUIntBE(0, TIME_BYTES) > lifetimeMs) throw expired(use);
      return content.toString("utf8", TIME_BYTES);
    },
  };
}

/** As a key object: with its bytes, each use costs five times as much. */
function derive(key: Uint8Array, info: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync("sha256", key, "", info, 32)));
}

function invalid({ field }: TokenUse): RpcError {
  const description = "is not a token that was given for a request with these arguments";
  return invalidArgument([{ field, description, reason: "token.invalid" }]);
}

/** An expired place in a stream is OUT_OF_RANGE, which tells a client that resumes by itself to begin again; a page is its caller's mistake. */
function expired({ field }: TokenUse): RpcError {
  const violation = { field, description: "has expired: begin again", reason: "token.expired" };
  if (field !== "resume_token") return invalidArgument([violation]);
  return new RpcError({
    code: Code.OUT_OF_RANGE,
    reason: "RESUME_TOKEN_EXPIRED",
    message: "resume_token has expired: begin again",
    details: [{ type: "BadRequest", violations: [violation] }],
  });
}
