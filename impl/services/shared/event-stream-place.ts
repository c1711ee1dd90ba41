// A place in an event stream, and its form in a resume token.
import { RpcError } from "#impl/runtime/rpc-error.ts";
import { resumeExpired } from "./event-stream-errors.ts";
import type { PageTokens, TokenUse } from "./page-token.ts";

/** After the event of this position; or before the present state, or after all that has happened. */
export type Place = bigint | "snapshot" | "now";

export interface PlaceTokens {
  seal(place: bigint | "snapshot"): string;
  /** Throws INVALID_ARGUMENT, and OUT_OF_RANGE with ResumeExpired for a token that has expired. */
  open(token: string): Place;
  /** A token of the present state; undefined where a stream has none. */
  readonly snapshot: () => string | undefined;
}

export interface PlaceTokenOptions {
  readonly tokens: PageTokens;
  readonly purpose: string;
  readonly boundTo: string;
  /** What shows the present state, where a stream does. */
  readonly snapshot?: unknown;
}

export function placeTokens({ tokens, purpose, boundTo, snapshot }: PlaceTokenOptions): PlaceTokens {
  const use: TokenUse = { purpose, field: "resume_token", boundTo };
  const seal = (place: bigint | "snapshot"): string => tokens.seal(use, String(place));
  const snapshotToken = (): string | undefined => (snapshot === undefined ? undefined : seal("snapshot"));
  return {
    seal,
    snapshot: snapshotToken,
    open(token) {
      try {
        const text = tokens.open(use, token);
        return text === "snapshot" ? text : BigInt(text);
      } catch (error) {
        const expired = error instanceof RpcError && error.reason === "RESUME_TOKEN_EXPIRED";
        throw expired ? resumeExpired(snapshotToken, error) : error;
      }
    },
  };
}
