// Signs JWTs without waiting, for what is said within a call: jose signs asynchronously only.
import { KeyObject, sign } from "node:crypto";
import type { SigningKey } from "./sign-token.ts";

/** `type` is the header's "typ". Ed25519 only; throws an Error for a shared secret. */
export function signerNow(key: SigningKey, type: string): (claims: object) => string {
  if (key.privateKey instanceof Uint8Array) throw new Error("services sign with Ed25519, not with a secret");
  const privateKey = KeyObject.from(key.privateKey);
  const header = encode({ alg: "EdDSA", typ: type, kid: key.keyId });
  return (claims) => {
    const content = `${header}.${encode(claims)}`;
    return `${content}.${sign(null, Buffer.from(content), privateKey).toString("base64url")}`;
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
