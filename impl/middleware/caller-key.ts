// Whose bucket a call draws from.
import type { Call } from "#impl/runtime/call.ts";

/** Who has proved who he is, and what kind of name that is. */
export interface Account {
  readonly kind: "user" | "api_key";
  readonly id: string;
}

/** An API key draws from a bucket of its own, so that no script of a user's starves the user; undefined is an anonymous caller. */
export function accountOf({ principal }: Call): Account | undefined {
  if (principal === undefined) return undefined;
  return principal.apiKeyId === undefined
    ? { kind: "user", id: principal.userId }
    : { kind: "api_key", id: principal.apiKeyId };
}
