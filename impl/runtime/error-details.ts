// The standard error details of google.rpc as plain values, and their encoding. Durations are milliseconds.
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
  | { readonly type: "ResourceInfo"; readonly resourceType: string; readonly resourceName: string };

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
  return any("ErrorInfo", ErrorInfo.encode({ reason, domain, metadata: { ...metadata } }).finish());
}

export function encodeErrorDetail(detail: ErrorDetail): Any {
  switch (detail.type) {
    case "BadRequest":
      return any(
        detail.type,
        BadRequest.encode(
          BadRequest.fromPartial({ fieldViolations: detail.violations.map((v) => ({ ...v })) }),
        ).finish(),
      );
    case "RetryInfo": {
      const seconds = BigInt(Math.trunc(detail.delayMs / 1_000));
      const nanos = Math.round((detail.delayMs % 1_000) * 1_000_000);
      return any(detail.type, RetryInfo.encode({ retryDelay: { seconds, nanos } }).finish());
    }
    case "QuotaFailure":
      return any(
        detail.type,
        QuotaFailure.encode(
          QuotaFailure.fromPartial({ violations: detail.violations.map((v) => ({ ...v })) }),
        ).finish(),
      );
    case "PreconditionFailure":
      return any(
        detail.type,
        PreconditionFailure.encode({ violations: detail.violations.map((v) => ({ ...v })) }).finish(),
      );
    case "ResourceInfo":
      return any(
        detail.type,
        ResourceInfo.encode(
          ResourceInfo.fromPartial({ resourceType: detail.resourceType, resourceName: detail.resourceName }),
        ).finish(),
      );
  }
}
