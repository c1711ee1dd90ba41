// The standard error details of google.rpc as plain values, and their encoding. Durations are milliseconds.
// Invariant: whatever went into an error, what is encoded fits the headers that a peer accepts; texts and lists are cut.
import type { Any } from "#proto/google/protobuf/any.ts";
import {
  BadRequest,
  ErrorInfo,
  PreconditionFailure,
  QuotaFailure,
  ResourceInfo,
  RetryInfo,
} from "#proto/google/rpc/error_details.ts";

/** A request field that breaks a rule. `field` is a path such as "profile.addresses[2].country". */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
  /** The rule's stable id, such as "string.email". */
  readonly reason: string;
}

export type ErrorDetail =
  | { readonly type: "BadRequest"; readonly violations: readonly FieldViolation[] }
  | { readonly type: "RetryInfo"; readonly delayMs: number }
  | {
      readonly type: "QuotaFailure";
      readonly violations: ReadonlyArray<{ readonly subject: string; readonly description: string }>;
    }
  | {
      readonly type: "PreconditionFailure";
      readonly violations: ReadonlyArray<{
        readonly type: string;
        readonly subject: string;
        readonly description: string;
      }>;
    }
  | { readonly type: "ResourceInfo"; readonly resourceType: string; readonly resourceName: string }
  /** A message that an API defines for its own errors; `typeName` is its full name, `value` its bytes, which must be few. */
  | { readonly type: "Message"; readonly typeName: string; readonly value: Uint8Array };

const MAX_TEXT_CHARS = 200;
/** Of all violations of one detail together: enough for about twenty. */
const MAX_VIOLATIONS_CHARS = 2_400;

/** The text, well-formed Unicode and not longer than `maxChars`. */
export function cut(text: string, maxChars = MAX_TEXT_CHARS): string {
  return (text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`).toWellFormed();
}

/** Copies with every text cut; violations past the budget are left out, the first never. */
function bounded<K extends string>(
  violations: ReadonlyArray<Readonly<Record<K, string>>>,
  keys: readonly K[],
): Array<Record<string, string>> {
  const kept: Array<Record<string, string>> = [];
  let chars = 0;
  for (const violation of violations) {
    const copy = Object.fromEntries(keys.map((key) => [key, cut(violation[key])]));
    chars += Object.values(copy).join("").length;
    if (kept.length > 0 && chars > MAX_VIOLATIONS_CHARS) break;
    kept.push(copy);
  }
  return kept;
}

const any = (typeName: string, value: Uint8Array): Any => ({
  typeUrl: `type.googleapis.com/google.rpc.${typeName}`,
  value,
});

/** Exactly one of these is on every error: a machine-readable reason with every value that the message mentions. */
export function encodeErrorInfo(
  reason: string,
  domain: string,
  metadata: Readonly<Record<string, string>>,
): Any {
  const values = Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, cut(value)]));
  return any("ErrorInfo", ErrorInfo.encode({ reason, domain, metadata: values }).finish());
}

export function encodeErrorDetail(detail: ErrorDetail): Any {
  switch (detail.type) {
    case "BadRequest": {
      const fieldViolations = bounded(detail.violations, ["field", "description", "reason"]);
      return any(detail.type, BadRequest.encode(BadRequest.fromPartial({ fieldViolations })).finish());
    }
    case "RetryInfo": {
      const ms = Math.max(0, detail.delayMs);
      const seconds = BigInt(Math.trunc(ms / 1_000));
      const nanos = Math.trunc((ms % 1_000) * 1_000_000);
      return any(detail.type, RetryInfo.encode({ retryDelay: { seconds, nanos } }).finish());
    }
    case "QuotaFailure": {
      const violations = bounded(detail.violations, ["subject", "description"]);
      return any(detail.type, QuotaFailure.encode(QuotaFailure.fromPartial({ violations })).finish());
    }
    case "PreconditionFailure": {
      const violations = bounded(detail.violations, ["type", "subject", "description"]);
      return any(
        detail.type,
        PreconditionFailure.encode(PreconditionFailure.fromPartial({ violations })).finish(),
      );
    }
    case "ResourceInfo": {
      const info = { resourceType: cut(detail.resourceType), resourceName: cut(detail.resourceName) };
      return any(detail.type, ResourceInfo.encode(ResourceInfo.fromPartial(info)).finish());
    }
    case "Message":
      return { typeUrl: `type.googleapis.com/${detail.typeName}`, value: detail.value };
  }
}

/** The reason of the ErrorInfo among the details, which the boundary puts first; empty when there is none. */
export function reasonOf(details: readonly Any[]): string {
  const [first] = details;
  return first?.typeUrl.endsWith(".ErrorInfo") ? ErrorInfo.decode(first.value).reason : "";
}
