// Passwords as argon2id hashes in PHC strings, which name the parameters that they were made with. A few are computed at a time, off the
// main thread, and a bounded number wait: logins leave the process its memory, its processors and its thread pool.
import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { BulkheadRejectedError, bulkhead } from "cockatiel";
import { RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";

export interface HashParameters {
  /** Memory of one computation, in KiB. */
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** What OWASP recommends at least: 19 MiB, 2 passes, 1 lane. */
export const DEFAULT_HASH_PARAMETERS: HashParameters = { memoryKib: 19_456, passes: 2, lanes: 1 };

/** Half of the threads that Node has for such work, so that files and names are read meanwhile. */
const COMPUTED_AT_ONCE = 2;
/** More waiting than are computed within the deadline of a call would wait in vain. */
const WAITING_AT_MOST = 64;
const BUSY_RETRY_DELAY_MS = 1_000;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;

/** "outdated" is right, and made with other parameters than are in use: to be replaced by a new hash. */
export type PasswordVerdict = "right" | "outdated" | "wrong";

export interface PasswordHasher {
  /** Rejects with RESOURCE_EXHAUSTED when too many wait. */
  hash(password: string, signal: AbortSignal): Promise<string>;
  /** Without a stored hash the same work is done and the password is wrong. Rejects likewise. */
  verify(password: string, stored: string | undefined, signal: AbortSignal): Promise<PasswordVerdict>;
  /** Hashes computed so far. */
  readonly computed: number;
}

export interface PasswordHasherOptions {
  readonly parameters?: HashParameters;
  readonly computedAtOnce?: number;
  readonly waitingAtMost?: number;
}

const compute = promisify(argon2);

export function createPasswordHasher(options: PasswordHasherOptions = {}): PasswordHasher {
  const {
    parameters = DEFAULT_HASH_PARAMETERS,
    computedAtOnce = COMPUTED_AT_ONCE,
    waitingAtMost = WAITING_AT_MOST,
  } = options;
  const limit = bulkhead(computedAtOnce, waitingAtMost);
  const placeholder: StoredHash = {
    parameters,
    salt: randomBytes(SALT_BYTES),
    hash: randomBytes(HASH_BYTES),
  };
  let computed = 0;
  const derive = async (
    password: string,
    salt: Buffer,
    { memoryKib, passes, lanes }: HashParameters,
    signal: AbortSignal,
  ): Promise<Buffer> => {
    const input: Argon2Parameters = {
      // The same text can be typed in several ways.
      message: password.normalize("NFKC"),
      nonce: salt,
      memory: memoryKib,
      passes,
      parallelism: lanes,
      tagLength: HASH_BYTES,
    };
    try {
      return await limit.execute(() => {
        computed += 1;
        return compute("argon2id", input);
      }, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof BulkheadRejectedError ? busy() : error;
    }
  };
  return {
    async hash(password, signal) {
      const salt = randomBytes(SALT_BYTES);
      return format({ parameters, salt, hash: await derive(password, salt, parameters, signal) });
    },
    async verify(password, stored, signal) {
      const expected = stored === undefined ? placeholder : parse(stored);
      const hash = await derive(password, expected.salt, expected.parameters, signal);
      if (!timingSafeEqual(hash, expected.hash) || stored === undefined) return "wrong";
      return sameParameters(expected.parameters, parameters) ? "right" : "outdated";
    },
    get computed() {
      return computed;
    },
  };
}

interface StoredHash {
  readonly parameters: HashParameters;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

function format({ parameters: { memoryKib, passes, lanes }, salt, hash }: StoredHash): string {
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${base64(salt)}$${base64(hash)}`;
}

/** PHC strings have no padding. */
function base64(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}

function parse(phc: string): StoredHash {
  const [, memoryKib, passes, lanes, salt = "", hash = ""] = PHC.exec(phc) ?? [];
  // Without the text: it is as good as a password to whoever has time.
  if (memoryKib === undefined) throw new Error("a stored password hash is not an argon2id PHC string");
  return {
    parameters: { memoryKib: Number(memoryKib), passes: Number(passes), lanes: Number(lanes) },
    salt: Buffer.from(salt, "base64"),
    hash: Buffer.from(hash, "base64"),
  };
}

function sameParameters(some: HashParameters, others: HashParameters): boolean {
  return some.memoryKib === others.memoryKib && some.passes === others.passes && some.lanes === others.lanes;
}

function busy(): RpcError {
  return new RpcError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: "PASSWORD_CHECKS_BUSY",
    message: "too many passwords are being checked at this moment",
    details: [{ type: "RetryInfo", delayMs: BUSY_RETRY_DELAY_MS }],
  });
}
