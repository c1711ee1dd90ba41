// Access tokens the system will believe: a fresh Ed25519 key per run, whose public half the system reads from a key set file.
// The private half never leaves this process.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export interface TokenSubject {
  /** User id, a UUID. */
  readonly subject: string;
  readonly roles?: readonly string[];
  readonly permissions: readonly string[];
}

export interface TokenIssuer {
  /** For JWKS_FILE. */
  readonly jwksFile: string;
  /** A signed token, valid for `lifetimeSeconds` (default an hour). */
  issue(subject: TokenSubject, lifetimeSeconds?: number): Promise<string>;
}

const partyName = "grpc-ecommerce";
const keyId = "harness";

/** Writes `jwks.json` into `directory`, which the caller owns and removes. */
export async function createTokenIssuer(directory: string): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const jwksFile = join(directory, "jwks.json");
  const key = { ...(await exportJWK(publicKey)), kid: keyId, alg: "EdDSA", use: "sig" };
  await writeFile(jwksFile, JSON.stringify({ keys: [key] }));
  return {
    jwksFile,
    issue: ({ subject, roles = [], permissions }, lifetimeSeconds = 3600) =>
      new SignJWT({ roles, permissions })
        .setProtectedHeader({ alg: "EdDSA", kid: keyId })
        .setIssuer(partyName)
        .setAudience(partyName)
        .setSubject(subject)
        .setIssuedAt()
        .setExpirationTime(`${lifetimeSeconds}s`)
        .sign(privateKey),
  };
}
