// What can go wrong with the database, as codes that stores branch on. Everything PostgreSQL or the connection
// to it reports becomes one StorageError; which code is decided by a table of SQLSTATEs and nothing else.
// The message never holds row values: those are in `detail` and in the cause, which are for logs only.

export type StorageFailure =
  | "UNIQUE_VIOLATION"
  | "FOREIGN_KEY_VIOLATION"
  | "CHECK_VIOLATION"
  | "NOT_NULL_VIOLATION"
  /** Worth running the whole transaction again, which `inTransaction` does. */
  | "SERIALIZATION_FAILURE"
  | "DEADLOCK"
  | "LOCK_TIMEOUT"
  | "STATEMENT_TIMEOUT"
  | "QUERY_CANCELLED"
  /** No connection, or it was lost: whether a statement on its way took effect is not known. */
  | "UNAVAILABLE"
  /** A mistake of ours: bad SQL, a wrong type, missing rights. */
  | "UNEXPECTED";

export class StorageError extends Error {
  readonly code: StorageFailure;
  /** PostgreSQL's five characters, or a system error code such as ECONNREFUSED. */
  readonly sqlState: string | undefined;
  /** Name of the violated constraint, for the four kinds of violation. */
  readonly constraint: string | undefined;
  /** Without its schema. */
  readonly table: string | undefined;
  /** May quote row values: for logs, not for callers. */
  readonly detail: string | undefined;

  constructor(code: StorageFailure, cause: unknown) {
    const sqlState = text(cause, "code");
    const constraint = text(cause, "constraint");
    const table = text(cause, "table");
    const on =
      constraint ?? text(cause, "column") ?? (cause instanceof Error ? cause.message : String(cause));
    super(`${code}${sqlState === undefined ? "" : ` (${sqlState})`}: ${table ? `${table}: ` : ""}${on}`, {
      cause,
    });
    this.name = "StorageError";
    this.code = code;
    this.sqlState = sqlState;
    this.constraint = constraint;
    this.table = table;
    this.detail = text(cause, "detail");
  }
}

const byState: Readonly<Record<string, StorageFailure>> = {
  "23505": "UNIQUE_VIOLATION",
  "23503": "FOREIGN_KEY_VIOLATION",
  "23001": "FOREIGN_KEY_VIOLATION",
  "23514": "CHECK_VIOLATION",
  "23502": "NOT_NULL_VIOLATION",
  "40001": "SERIALIZATION_FAILURE",
  "40P01": "DEADLOCK",
  "55P03": "LOCK_TIMEOUT",
  // Administrator's or crash shutdown, starting up, idle too long in a transaction.
  "57P01": "UNAVAILABLE",
  "57P02": "UNAVAILABLE",
  "57P03": "UNAVAILABLE",
  "25P03": "UNAVAILABLE",
};

/** Connection exceptions, insufficient resources (too many connections, disk full). */
const unavailableClasses = new Set(["08", "53"]);

/** For errors of node-postgres that carry no code, and of the socket below it. */
const lostConnection =
  /^Connection terminated|timeout exceeded when trying to connect|^Client (has encountered a connection error|was closed)/;

/** The same error when it is one already. */
export function toStorageError(error: unknown): StorageError {
  return error instanceof StorageError ? error : new StorageError(failureOf(error), error);
}

function failureOf(error: unknown): StorageFailure {
  const state = text(error, "code") ?? "";
  const message = text(error, "message") ?? "";
  // One SQLSTATE for both; where the server speaks another language, the likelier is assumed.
  if (state === "57014") return message.includes("user request") ? "QUERY_CANCELLED" : "STATEMENT_TIMEOUT";
  if (unavailableClasses.has(state.slice(0, 2)) || lostConnection.test(message)) return "UNAVAILABLE";
  if (text(error, "syscall") !== undefined || /^E[A-Z]+$/.test(state)) return "UNAVAILABLE";
  return byState[state] ?? "UNEXPECTED";
}

function text(of: unknown, name: string): string | undefined {
  if (typeof of !== "object" || of === null) return undefined;
  const value: unknown = Reflect.get(of, name);
  return typeof value === "string" ? value : undefined;
}
