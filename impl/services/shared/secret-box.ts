// Secrets at rest: AES-256-GCM under a key of the system, bound to what they belong to, so that a sealed secret is worth nothing without
// the key and cannot be moved to another owner. Keys can be replaced: the first one seals, all of them open.
//
// Sealed: 4 bytes that name the key, 12 of nonce, 16 of tag, and the ciphertext.
import { createCipheriv, createDecipheriv, hash, randomBytes } from "node:crypto";

export interface SecretBox {
  /** `owner` is what the secret belongs to; the same must be named to open it. */
  seal(secret: string, owner: string): Buffer;
  /** Throws SecretUnreadable when no key fits, or when it was sealed for another owner or changed. */
  open(sealed: Uint8Array, owner: string): string;
}

export class SecretUnreadable extends Error {
  constructor(cause?: unknown) {
    super("a sealed secret cannot be opened with the keys of this system", { cause });
    this.name = "SecretUnreadable";
  }
}

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NAME_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Each key has 32 bytes. */
export function createSecretBox(keys: readonly Uint8Array[]): SecretBox {
  for (const key of keys) {
    if (key.byteLength !== KEY_BYTES) {
      throw new RangeError(`key of the secret box: has ${key.byteLength} bytes, needs ${KEY_BYTES}`);
    }
  }
  const [current] = keys;
  if (current === undefined) throw new RangeError("a secret box needs at least one key");
  return {
    seal(secret, owner) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, current, nonce).setAAD(Buffer.from(owner));
      const ciphertext = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
      return Buffer.concat([nameOf(current), nonce, cipher.getAuthTag(), ciphertext]);
    },
    open(sealed, owner) {
      const bytes = Buffer.from(sealed);
      const name = bytes.subarray(0, NAME_BYTES);
      const key = keys.find((candidate) => nameOf(candidate).equals(name));
      if (key === undefined) throw new SecretUnreadable();
      const nonce = bytes.subarray(NAME_BYTES, NAME_BYTES + NONCE_BYTES);
      const tag = bytes.subarray(NAME_BYTES + NONCE_BYTES, NAME_BYTES + NONCE_BYTES + TAG_BYTES);
      const ciphertext = bytes.subarray(NAME_BYTES + NONCE_BYTES + TAG_BYTES);
      try {
        const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
          .setAAD(Buffer.from(owner))
          .setAuthTag(tag);
        return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString("utf8");
      } catch (cause) {
        throw new SecretUnreadable(cause);
      }
    },
  };
}

/** Tells keys apart and says nothing about them. */
function nameOf(key: Uint8Array): Buffer {
  const digest = hash("sha256", Buffer.concat([Buffer.from("webhook secret key"), key]), "buffer");
  return digest.subarray(0, NAME_BYTES);
}
