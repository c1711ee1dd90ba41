// Puts into the audit log what was refused for who the caller is: credentials that were not accepted, and what a known caller may not do. A
// call without credentials is not an event: nobody claimed anything.
import { claimsToBeService } from "#impl/auth/service-identity.ts";
import type { Audit, AuditEvent } from "#impl/observability/audit.ts";
import type { Call } from "#impl/runtime/call.ts";
import { reasonOf } from "#impl/runtime/error-details.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { API_KEY, AUTHORIZATION } from "#impl/runtime/principal.ts";
import { Code, type Status } from "#impl/runtime/status.ts";

export function auditRefusals(audit: Audit): Link {
  const onFinish = (call: Call, status: Status): void => {
    if (status.code === Code.PERMISSION_DENIED) {
      audit.record({ event: "permission_denied", outcome: "denied", ...reason(status) }, call);
    } else if (status.code === Code.UNAUTHENTICATED && call.principal === undefined) {
      const why = reason(status);
      const credential = credentialOf(call, why.reason);
      if (credential === undefined) return;
      audit.record({ event: "credentials_refused", outcome: "denied", credential, ...why }, call);
    }
  };
  return (_, next) => (call, input) => {
    call.onFinish(onFinish);
    return next(call, input);
  };
}

function reason({ details }: Status): { reason?: string } {
  const text = reasonOf(details);
  return text === "" ? {} : { reason: text };
}

/** What the caller presented; a token is looked at without verifying it, since it has been refused. */
function credentialOf({ metadata }: Call, why: string | undefined): AuditEvent["credential"] {
  if (metadata.get(API_KEY) !== undefined) return "api_key";
  if (why?.startsWith("DELEGATION_") === true) return "delegation";
  const authorization = metadata.get(AUTHORIZATION);
  if (authorization === undefined) return undefined;
  return claimsToBeService(authorization.slice(authorization.indexOf(" ") + 1))
    ? "service_token"
    : "access_token";
}
