// The methods by which API keys are managed. A secret is made here, put into one answer, and never seen again: only its hash is kept.
import {
  hashApiKeySecret,
  makeApiKeySecret,
  type RandomBytes,
  shownPrefix,
} from "#impl/auth/api-key-secret.ts";
import type { Audit, AuditEventName } from "#impl/observability/audit.ts";
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import type {
  AuthServiceDefinition,
  CreateApiKeyRequest,
  CreateApiKeyResponse,
  ListApiKeysRequest,
  ListApiKeysResponse,
  RevokeApiKeyRequest,
  RevokeApiKeyResponse,
  RotateApiKeyRequest,
  RotateApiKeyResponse,
} from "#proto/ecommerce/v1/auth.ts";
import type { Duration } from "#proto/google/protobuf/duration.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import type { PageTokens, TokenUse } from "../shared/page-token.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { type ApiKey, ApiKeyState, type SecretRecord, stateOf } from "./api-key.ts";
import type { ApiKeyAccess } from "./api-key-access.ts";
import { apiKeyNotActive, holderNotFound, scopesNotHeld } from "./api-key-errors.ts";
import type { FindHolder } from "./api-key-holder.ts";
import { apiKeyMessage } from "./api-key-message.ts";
import type { ApiKeyStore } from "./api-key-store.ts";
import { tooManyApiKeys } from "./auth-errors.ts";

export interface ApiKeyMethodsOptions {
  readonly apiKeys: ApiKeyStore;
  readonly access: ApiKeyAccess;
  readonly findHolder: FindHolder;
  readonly audit: Audit;
  readonly tokens: PageTokens;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly randomBytes: RandomBytes;
}

type ApiKeyMethods = Pick<
  HandlersOf<AuthServiceDefinition>,
  "createApiKey" | "listApiKeys" | "rotateApiKey" | "revokeApiKey"
>;

const DEFAULT_PAGE_SIZE = 50;
const LARGEST_PAGE_SIZE = 200;
const DEFAULT_OVERLAP: Duration = { seconds: 86_400n, nanos: 0 };

export function createApiKeyMethods(options: ApiKeyMethodsOptions): ApiKeyMethods {
  return {
    createApiKey: (request, call) => createApiKey(options, request, call),
    listApiKeys: (request, call) => listApiKeys(options, request, call),
    rotateApiKey: (request, call) => rotateApiKey(options, request, call),
    revokeApiKey: (request, call) => revokeApiKey(options, request, call),
  };
}

async function createApiKey(
  options: ApiKeyMethodsOptions,
  request: CreateApiKeyRequest,
  call: Call,
): Promise<CreateApiKeyResponse> {
  const { apiKeys, access, findHolder, clock, newId } = options;
  const { displayName, scopes, expireTime } = request;
  const userId = request.userId.toLowerCase();
  requireStorableText({ displayName }, "");
  requireTime(expireTime);
  const holder = await findHolder(userId, call);
  if (holder === undefined) throw holderNotFound(userId);
  const notHeld = scopes.filter((scope) => !holder.permissions.includes(scope));
  if (notHeld.length > 0) throw scopesNotHeld(userId, notHeld);
  access.requireNoMore(userId, scopes, call.principal);
  const apiKeyId = newId();
  const { secret, kept } = makeSecret(options, apiKeyId);
  const now = new Date(clock.now());
  const key = await apiKeys.insert(
    { apiKeyId, userId, displayName, scopes, secret: kept, createTime: now, expireTime },
    call.signal,
  );
  if (key === undefined) throw tooManyApiKeys(apiKeys.maxPerUser);
  tell(options, "api_key_created", key, call);
  return { apiKey: apiKeyMessage(key, now), secret };
}

async function listApiKeys(
  { apiKeys, tokens, clock }: ApiKeyMethodsOptions,
  { includeInactive, pageSize, pageToken, ...request }: ListApiKeysRequest,
  { signal }: Call,
): Promise<ListApiKeysResponse> {
  const userId = request.userId.toLowerCase();
  const boundTo = JSON.stringify([userId, includeInactive]);
  const use: TokenUse = { purpose: "auth.api_keys.1", field: "page_token", boundTo };
  const before = pageToken === "" ? undefined : tokens.open(use, pageToken);
  const limit = Math.min(pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize, LARGEST_PAGE_SIZE);
  const now = new Date(clock.now());
  const activeAt = includeInactive ? undefined : now;
  const found = await apiKeys.page({ userId, activeAt, before, limit: limit + 1 }, signal);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    apiKeys: page.map((key) => apiKeyMessage(key, now)),
    nextPageToken: last === undefined || page.length === found.length ? "" : tokens.seal(use, last.apiKeyId),
  };
}

async function rotateApiKey(
  options: ApiKeyMethodsOptions,
  { overlap = DEFAULT_OVERLAP, ...request }: RotateApiKeyRequest,
  call: Call,
): Promise<RotateApiKeyResponse> {
  const { apiKeys, access, clock } = options;
  const apiKeyId = request.apiKeyId.toLowerCase();
  const { secret, kept } = makeSecret(options, apiKeyId);
  const now = new Date(clock.now());
  const previousExpires = new Date(now.getTime() + millisecondsOf(overlap));
  const key = await apiKeys.change(call.signal, async (writer) => {
    const current = access.requireOwn(await writer.lock(apiKeyId), apiKeyId, call.principal);
    access.requireNoMore(current.userId, current.scopes, call.principal);
    if (stateOf(current, now) !== ApiKeyState.API_KEY_STATE_ACTIVE) throw apiKeyNotActive(apiKeyId);
    return writer.rotate(current, kept, now, previousExpires);
  });
  tell(options, "api_key_rotated", key, call);
  return { apiKey: apiKeyMessage(key, now), secret };
}

async function revokeApiKey(
  options: ApiKeyMethodsOptions,
  request: RevokeApiKeyRequest,
  call: Call,
): Promise<RevokeApiKeyResponse> {
  const { apiKeys, access, clock } = options;
  const apiKeyId = request.apiKeyId.toLowerCase();
  const now = new Date(clock.now());
  const { key, revoked } = await apiKeys.change(call.signal, async (writer) => {
    const current = access.requireOwn(await writer.lock(apiKeyId), apiKeyId, call.principal);
    if (current.revokeTime !== undefined) return { key: current, revoked: false };
    return { key: await writer.revoke(current, now), revoked: true };
  });
  if (revoked) tell(options, "api_key_revoked", key, call);
  return { apiKey: apiKeyMessage(key, now) };
}

function makeSecret(
  { randomBytes }: ApiKeyMethodsOptions,
  apiKeyId: string,
): { readonly secret: string; readonly kept: SecretRecord } {
  const secret = makeApiKeySecret(apiKeyId, randomBytes);
  return { secret, kept: { prefix: shownPrefix(secret), hash: hashApiKeySecret(secret) } };
}

function tell({ audit }: ApiKeyMethodsOptions, event: AuditEventName, key: ApiKey, call: Call): void {
  audit.record({ event, outcome: "ok", apiKeyId: key.apiKeyId, userId: key.userId }, call);
}

/** The range of a Timestamp on the wire is wider than that of a Date. */
function requireTime(time: Date | undefined): void {
  if (time === undefined || !Number.isNaN(time.getTime())) return;
  const description = "must be a time of the years 1 to 9999";
  throw invalidArgument([{ field: "expire_time", description, reason: "timestamp" }]);
}
