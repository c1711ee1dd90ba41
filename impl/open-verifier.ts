// What a process verifies access tokens with: keys that it has from the start, and those of AuthService, whom it asks like every other
// process, be it in the same one or not.

import type { AuthServiceDefinition } from "#proto/ecommerce/v1/auth.ts";
import { createTokenVerifier, type VerifyToken } from "./auth/access-token.ts";
import type { RevocationSet } from "./auth/revocation-set.ts";
import { anyOf, fetchedKeys, keysOfSet, sharedSecret } from "./auth/trusted-keys.ts";
import type { ClientOf } from "./client/client.ts";
import type { Config } from "./config.ts";
import { type SigningKeys, sharedTokenKey } from "./open-keys.ts";
import type { Clock } from "./runtime/clock.ts";
import type { Logger } from "./runtime/logger.ts";

export interface VerifierNeeds {
  readonly config: Config;
  readonly keys: SigningKeys;
  readonly auth: Pick<ClientOf<AuthServiceDefinition>, "getJwks">;
  readonly revocations: RevocationSet;
  readonly clock: Clock;
  readonly log: Logger;
}

export function openTokenVerifier({
  config,
  keys,
  auth,
  revocations,
  clock,
  log,
}: VerifierNeeds): VerifyToken {
  const shared = sharedTokenKey(config);
  const ofSessions =
    shared === undefined
      ? fetchedKeys({ fetch: () => auth.getJwks({}), clock, log })
      : sharedSecret(shared.keyId, shared.privateKey);
  return createTokenVerifier({
    keys: anyOf([keysOfSet(keys.trusted), ofSessions]),
    algorithms: shared === undefined ? ["EdDSA"] : ["EdDSA", "HS256"],
    clock,
    revocations,
    serviceKeyIds: new Set(keys.service.keys.keys.flatMap(({ kid }) => kid ?? [])),
    clockSkewSeconds: config.TOKEN_CLOCK_SKEW_SECONDS,
  });
}
