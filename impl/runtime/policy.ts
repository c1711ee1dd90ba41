// The policy of a method, read from its descriptor once and then plain values: durations in milliseconds, enums checked.
// Refuses a method whose policy is missing or contradicts itself: deny by default.
import {
  type CachePolicy,
  CacheScope,
  Compression,
  Idempotency,
  MethodPolicy,
  RateClass,
} from "#proto/ecommerce/v1/policy.ts";
import type { Duration } from "#proto/google/protobuf/duration.ts";

export { CacheScope, Compression, Idempotency, RateClass };

export type Access =
  | { readonly kind: "public" }
  | { readonly kind: "authenticated" }
  | {
      readonly kind: "permissions";
      readonly permissions: readonly string[];
      /** Who may call without the permissions: the user named in a request field, or the owner of the resource. */
      readonly owner?: { readonly requestField: string } | "resource";
    };

export interface Policy {
  readonly access: Access;
  readonly idempotency: Idempotency;
  readonly deadlineMs: number;
  readonly rate: RateClass;
  readonly compression: Compression;
  readonly cache?: { readonly ttlMs: number; readonly scope: CacheScope; readonly tags: readonly string[] };
  readonly invalidates: readonly string[];
}

/** Reads the serialized `ecommerce.v1.MethodPolicy` of the method called `path`. */
export function readPolicy(path: string, serialized: Uint8Array | undefined): Policy {
  if (serialized === undefined) throw new Error(`${path}: has no policy option; every method must state one`);
  const policy = MethodPolicy.decode(serialized);
  const problem = (rule: string): Error => new Error(`${path}: policy ${rule}`);
  if (policy.idempotency === Idempotency.IDEMPOTENCY_UNSPECIFIED) throw problem("states no idempotency");
  if (policy.rate === RateClass.RATE_CLASS_UNSPECIFIED) throw problem("states no rate class");
  if (policy.compression === Compression.COMPRESSION_UNSPECIFIED) throw problem("states no compression");
  const deadlineMs = milliseconds(policy.deadline);
  if (deadlineMs <= 0) throw problem(`deadline must be longer than 0, got ${deadlineMs} ms`);
  if (policy.cache !== undefined && policy.idempotency !== Idempotency.IDEMPOTENCY_NO_SIDE_EFFECTS) {
    throw problem("caches a method with side effects");
  }
  if (policy.invalidates.length > 0 && policy.idempotency === Idempotency.IDEMPOTENCY_NO_SIDE_EFFECTS) {
    throw problem("invalidates what is cached without side effects");
  }
  const access = readAccess(policy, problem);
  const cache = policy.cache === undefined ? undefined : readCache(policy.cache, problem);
  // The service compares the owner of what it loads, which a response from memory would pass by.
  const byOwner = access.kind === "permissions" && access.owner === "resource";
  if (byOwner && cache?.scope === CacheScope.CACHE_SCOPE_SHARED) {
    throw problem("caches for everyone what only its owner may see");
  }
  return {
    access,
    idempotency: policy.idempotency,
    deadlineMs,
    rate: policy.rate,
    compression: policy.compression,
    ...(cache === undefined ? {} : { cache }),
    invalidates: policy.invalidates,
  };
}

function readAccess(policy: MethodPolicy, problem: (rule: string) => Error): Access {
  const access = policy.access;
  if (access === undefined) throw problem("states no access");
  const stated = [access.public, access.authenticated, access.permissions.length > 0].filter(Boolean).length;
  if (stated !== 1) {
    throw problem(`access must state exactly one of public, authenticated and permissions, states ${stated}`);
  }
  if (access.owner !== undefined && access.permissions.length === 0) {
    throw problem("states an owner without permissions, which nobody needs then");
  }
  if (access.public) return { kind: "public" };
  if (access.authenticated) return { kind: "authenticated" };
  if (access.owner === undefined) return { kind: "permissions", permissions: access.permissions };
  const { requestField, resource } = access.owner;
  if ((requestField !== "") === resource)
    throw problem("owner must state exactly one of request_field and resource");
  return {
    kind: "permissions",
    permissions: access.permissions,
    owner: resource ? "resource" : { requestField },
  };
}

function readCache(cache: CachePolicy, problem: (rule: string) => Error): NonNullable<Policy["cache"]> {
  const ttlMs = milliseconds(cache.ttl);
  if (ttlMs <= 0) throw problem(`cache ttl must be longer than 0, got ${ttlMs} ms`);
  if (cache.scope === CacheScope.CACHE_SCOPE_UNSPECIFIED) throw problem("cache states no scope");
  return { ttlMs, scope: cache.scope, tags: cache.tags };
}

function milliseconds(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1_000 + duration.nanos / 1_000_000;
}
