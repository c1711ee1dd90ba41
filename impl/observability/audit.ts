// The audit log: one line for each security event, in a stream of its own that no log level switches off. A line says who did what with which
// outcome, from where and in which trace; whom and what it concerns are ids. Never a secret, never personal data.
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import { traceIdOf } from "./call-trace.ts";
import type { LogOutput } from "./log-output.ts";
import { createLoggableFields } from "./loggable.ts";
import { AUDIT_FIELD, AUDIT_STREAM } from "./names.ts";

/** What can happen. The names are stable: alerts and queries are written against them. */
export type AuditEventName =
  | "login"
  | "token_refreshed"
  | "token_reused"
  | "logout"
  | "password_set"
  | "roles_changed"
  | "api_key_created"
  | "api_key_rotated"
  | "api_key_revoked"
  /** A key was sent that had been revoked. */
  | "api_key_used_after_revocation"
  /** Credentials of any kind were not accepted; `credential` says which. */
  | "credentials_refused"
  /** A known caller asked for what it may not do. */
  | "permission_denied";

export type AuditOutcome = "ok" | "failed" | "throttled" | "denied";

/** Ids only: what is put here is written as it is. */
export interface AuditEvent {
  readonly event: AuditEventName;
  readonly outcome: AuditOutcome;
  /** Why, as the reason of an error: UPPER_SNAKE_CASE. */
  readonly reason?: string;
  /** The user whom it concerns, where it is known; the caller itself is added to every line. */
  readonly userId?: string;
  readonly sessionId?: string;
  readonly apiKeyId?: string;
  readonly roles?: readonly string[];
  /** Which kind of credential was used. */
  readonly credential?: "password" | "access_token" | "service_token" | "delegation" | "api_key";
}

export interface Audit {
  /** Writes one line. `call` says who, where and in which trace; without it the system acted by itself. Never throws. */
  record(event: AuditEvent, call?: Call): void;
}

export interface AuditOptions {
  readonly clock: Clock;
  readonly output: Pick<LogOutput, "write">;
}

/** Events are made of ids, among which no field of a message is. */
const loggableFields = createLoggableFields(new Map());

export function createAudit({ clock, output }: AuditOptions): Audit {
  return {
    record(event, call) {
      const line = {
        [AUDIT_FIELD.stream]: AUDIT_STREAM,
        [AUDIT_FIELD.time]: clock.now(),
        ...loggableFields({ ...event, ...(call === undefined ? {} : circumstances(call)) }),
      };
      output.write(`${JSON.stringify(line)}\n`);
    },
  };
}

/** For tests and tools that have nobody to tell. */
export const noAudit: Audit = { record() {} };

function circumstances(call: Call): object {
  const { principal, onBehalfOf } = call;
  const traceId = traceIdOf(call);
  return {
    [AUDIT_FIELD.method]: call.method.path,
    [AUDIT_FIELD.address]: hostOf(call.peer),
    ...(principal === undefined ? {} : { [AUDIT_FIELD.caller]: principal.userId }),
    ...(principal?.apiKeyId === undefined ? {} : { [AUDIT_FIELD.callerKey]: principal.apiKeyId }),
    ...(onBehalfOf === undefined ? {} : { [AUDIT_FIELD.onBehalfOf]: onBehalfOf.userId }),
    ...(traceId === undefined ? {} : { [AUDIT_FIELD.traceId]: traceId }),
  };
}

/** Without the port, which says nothing about who; whole, since somebody may have to be found by it. */
function hostOf(peer: string): string {
  const port = peer.lastIndexOf(":");
  return port === -1 ? peer : peer.slice(0, port);
}
