// What a caller learns of a storage failure that no store has handled: that trying again may help, or nothing at all.
import { RpcError, unavailable } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { StorageError } from "./errors.ts";

/** How long a caller should wait before it tries again while the database does not answer. */
const RETRY_DELAY_MS = 500;

/** An ErrorTranslator of the boundary: undefined leaves the error to be INTERNAL. */
export function storageToRpcError(error: unknown): RpcError | undefined {
  if (!(error instanceof StorageError)) return undefined;
  switch (error.code) {
    case "UNAVAILABLE":
      return unavailable("DATABASE_UNAVAILABLE", "the database does not answer", RETRY_DELAY_MS, error);
    case "SERIALIZATION_FAILURE":
    case "DEADLOCK":
    case "LOCK_TIMEOUT":
      return new RpcError({
        code: Code.ABORTED,
        reason: "CONCURRENT_CHANGE",
        message: "the call lost against concurrent changes; start it again from its first read",
        cause: error,
      });
    default:
      return undefined;
  }
}
