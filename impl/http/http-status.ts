// google.rpc.Status as JSON with its details.
import { fromBinary, type JsonValue, type Registry, toJson } from "@bufbuild/protobuf";
import type { Status } from "#impl/runtime/status.ts";
import { RetryInfo } from "#proto/google/rpc/error_details.ts";
import { Status as StatusMessage } from "#proto/google/rpc/status.ts";

const STATUS_TYPE = "google.rpc.Status";

/** google.rpc.Status as protobuf JSON. A detail of a type that the contract does not know is left out: it has no JSON. */
export function statusJson({ code, message, details }: Status, registry: Registry): JsonValue {
  const desc = registry.getMessage(STATUS_TYPE);
  if (desc === undefined) throw new Error(`the contract does not know ${STATUS_TYPE}`);
  const known = details.filter(
    ({ typeUrl }) => registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf("/") + 1)) !== undefined,
  );
  const bytes = StatusMessage.encode({ code, message: message.toWellFormed(), details: known }).finish();
  return toJson(desc, fromBinary(desc, bytes), { registry, alwaysEmitImplicit: true });
}

/** What RetryInfo asks the caller to wait, in milliseconds. */
export function retryDelayMs({ details }: Status): number | undefined {
  const info = details.find(({ typeUrl }) => typeUrl.endsWith("/google.rpc.RetryInfo"));
  if (info === undefined) return undefined;
  const { seconds = 0n, nanos = 0 } = RetryInfo.decode(info.value).retryDelay ?? {};
  return Number(seconds) * 1_000 + Math.ceil(nanos / 1_000_000);
}
