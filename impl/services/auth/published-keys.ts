// The answer of GetJwks.
import type { Call } from "#impl/runtime/call.ts";
import { type GetJwksResponse, JsonWebKey } from "#proto/ecommerce/v1/auth.ts";
import type { SigningKeys } from "./signing-keys.ts";

export async function publishedKeys(
  signingKeys: Pick<SigningKeys, "published">,
  call: Call,
): Promise<GetJwksResponse> {
  const { keys } = await signingKeys.published(call.signal);
  return {
    keys: keys.map(({ kid = "", kty = "", alg = "", use = "", crv = "", x = "" }) =>
      JsonWebKey.fromPartial({ kid, kty, alg, use, crv, x }),
    ),
  };
}
