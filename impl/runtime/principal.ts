// Who calls, once the credentials have been verified.

/** Request metadata in which callers prove who they are: "Bearer <access token>", or the secret of an API key. */
export const AUTHORIZATION = "authorization";
export const API_KEY = "x-api-key";
/** In which a service proves for whom it calls. */
export const DELEGATION = "x-on-behalf-of";

export interface Principal {
  /** The user's id; for a machine, the id of its account. */
  readonly userId: string;
  readonly roles: readonly string[];
  readonly permissions: ReadonlySet<string>;
  /** The API key it called with. */
  readonly apiKeyId?: string;
  /** What revocations of its credentials are held against; undefined where nothing revokes them. */
  readonly proof?: Proof;
}

/** Of the credentials that proved a principal; times in milliseconds since the epoch. */
export interface Proof {
  /** The session that they end with. */
  readonly sessionId?: string;
  /** Revocations of the user or the API key end them when they are later than this. */
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** What the user ids of services begin with, such as "service:ecommerce"; those of users are UUIDs. */
export const SERVICE_PREFIX = "service:";

/** For whom a service calls, once its word for it has been verified. It is known, and allows nothing. */
export interface OriginalCaller {
  readonly userId: string;
}
