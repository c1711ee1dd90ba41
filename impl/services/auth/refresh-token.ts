// Refresh tokens: opaque to callers, random, and stored only as hashes.
import { hash, randomBytes } from "node:crypto";

const TOKEN_BYTES = 32;

export function newRefreshToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

/** A token cannot be guessed: unlike a password it needs no slow hash. */
export function refreshTokenHash(token: string): Buffer {
  return hash("sha256", token, "buffer");
}
