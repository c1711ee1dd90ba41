// Access tokens of any caller, signed with keys that the system under test believes.
import { signToken } from "../auth/sign-token.ts";
import type { Config } from "../config.ts";
import { openSigningKeys } from "../open-keys.ts";
import { systemClock } from "../runtime/clock.ts";
import { SERVICE_PREFIX } from "../runtime/principal.ts";

/** Metadata of a call by this user, or service, with these permissions, signed once. A lifetime below 0 is one that is over; default an hour. */
export type Bearer = (
  userId: string,
  permissions: readonly string[],
  lifetimeSeconds?: number,
) => Promise<Readonly<Record<string, string>>>;

/** For a system with DEVELOPMENT_TOKEN. */
export async function bearerTokens(config: Config): Promise<Bearer> {
  const { service, development } = await openSigningKeys(config);
  if (development === undefined) throw new Error("the system signs no tokens itself");
  const signed = new Map<string, Promise<string>>();
  return async (userId, permissions, lifetimeSeconds = 3_600) => {
    const claims = { userId, permissions, lifetimeSeconds };
    const { signing } = userId.startsWith(SERVICE_PREFIX) ? service : development;
    const name = JSON.stringify(claims);
    const token = signed.get(name) ?? signToken(signing, { ...claims, roles: [] }, systemClock);
    signed.set(name, token);
    return { authorization: `Bearer ${await token}` };
  };
}
