// How a service proves to another that it is one: a short-lived access token that the system signs for itself. Kept fresh in the
// background, so that a call never waits for a signature.
import { decodeJwt } from "jose";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { DELEGATION, type OriginalCaller, SERVICE_PREFIX } from "#impl/runtime/principal.ts";
import { repeat } from "#impl/runtime/repeat.ts";
import { createDelegate } from "./delegation.ts";
import { permissionsOf } from "./roles.ts";
import { type SigningKey, signToken } from "./sign-token.ts";
import { createVouch, type Vouch } from "./vouch.ts";

export interface ServiceIdentityOptions {
  readonly key: SigningKey;
  /** Who calls, for logs and audit: begins with SERVICE_PREFIX, such as "service:ecommerce". */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface ServiceIdentity {
  /** Metadata of a call made as this service, for `caller` where it is given. */
  metadata(caller?: OriginalCaller): Readonly<Record<string, string>>;
  /** For a gateway: the token that tells a service who calls. */
  readonly vouch: Vouch;
  stop(): Promise<void>;
}

const LIFETIME_SECONDS = 600;
/** A signature may fail now and then and be tried again before the token it replaces expires. */
const RENEW_EVERY_MS = 120_000;

export async function serviceIdentity(options: ServiceIdentityOptions): Promise<ServiceIdentity> {
  const { key, name, clock, log } = options;
  const roles = ["service"];
  const claims = {
    userId: name,
    roles,
    permissions: permissionsOf(roles),
    lifetimeSeconds: LIFETIME_SECONDS,
  };
  const sign = async (): Promise<Readonly<Record<string, string>>> => ({
    authorization: `Bearer ${await signToken(key, claims, clock)}`,
  });
  let metadata = await sign();
  const renewal = repeat(
    "renew the service token",
    RENEW_EVERY_MS,
    async () => {
      metadata = await sign();
    },
    { clock, log },
  );
  const delegate = createDelegate({ key, service: name, clock });
  return {
    metadata: (caller) => (caller === undefined ? metadata : { ...metadata, [DELEGATION]: delegate(caller) }),
    vouch: createVouch({ key, service: name, clock }),
    stop: () => renewal.stop(),
  };
}

/** Whether a token says that it is a service's. Nothing is verified: for telling what was refused. */
export function claimsToBeService(token: string): boolean {
  try {
    return decodeJwt(token).sub?.startsWith(SERVICE_PREFIX) === true;
  } catch {
    return false;
  }
}
