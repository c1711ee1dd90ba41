import { randomBytes } from "node:crypto";
import { UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { createPasswordHasher } from "../auth/password-hash.ts";
import { permissionsOf } from "../auth/roles.ts";
import { openSigningKeySecret, sharedTokenKey } from "../open-keys.ts";
import { repeat } from "../runtime/repeat.ts";
import { createAccountStore } from "../services/auth/account-store.ts";
import { createAccountUsers } from "../services/auth/account-users.ts";
import { createApiKeyAccess } from "../services/auth/api-key-access.ts";
import { createFindHolder } from "../services/auth/api-key-holder.ts";
import { createApiKeyStore } from "../services/auth/api-key-store.ts";
import { createAttempts } from "../services/auth/attempt-limits.ts";
import { createAuthService } from "../services/auth/auth-service.ts";
import { authSchema } from "../services/auth/auth-tables.ts";
import { createRevocations } from "../services/auth/revocations.ts";
import { createSessionStore } from "../services/auth/session-store.ts";
import { createSigningKeys } from "../services/auth/signing-keys.ts";
import { createTokenIssuer } from "../services/auth/token-issuer.ts";
import { forgetUnusedAccounts } from "../services/auth/unused-accounts.ts";
import { createSecretBox } from "../services/shared/secret-box.ts";
import { migrate } from "../storage/migrations.ts";
import { openEventLog, retentionOf } from "./event-log.ts";
import type { MakePart } from "./part.ts";

const FORGET_EVERY_MS = 3_600_000;
const KEYS_LOOKED_AT_EVERY_MS = 300_000;
const DAY_MS = 86_400_000;

export const authPart: MakePart = async (context) => {
  const { config, database, clock, log, tokens, clients, newId, audit, accessChecked } = context;
  await migrate(database, authSchema);
  const events = await openEventLog(authSchema.schema, context);
  const revocations = createRevocations({ database, events, clock });
  const accounts = createAccountStore({ database, revocations, clock });
  const refreshTokenMs = config.REFRESH_TOKEN_DAYS * DAY_MS;
  const sessions = createSessionStore({
    database,
    revocations,
    clock,
    refreshTokenMs,
    maxPerUser: config.SESSIONS_PER_USER,
  });
  const attempts = createAttempts({ database, clock });
  const userClient = clients.of(UserServiceDefinition);
  const users = createAccountUsers(userClient);
  const signingKeys = createSigningKeys({
    database,
    secrets: createSecretBox([await openSigningKeySecret(config)]),
    clock,
    rotationMs: config.SIGNING_KEY_DAYS * DAY_MS,
  });
  // A key that cannot be opened ends the start, not every login.
  await signingKeys.current();
  const shared = sharedTokenKey(config);
  return {
    service: "ecommerce.v1.AuthService",
    implementation: createAuthService({
      revocations,
      events,
      tokens,
      audit,
      clock,
      newId,
      randomBytes,
      accounts,
      sessions,
      users,
      attempts,
      hasher: createPasswordHasher(),
      issueTokens: createTokenIssuer({
        signingKey: async (signal) => shared ?? (await signingKeys.current(signal)),
        accessTokenSeconds: config.ACCESS_TOKEN_SECONDS,
        clock,
        newId,
      }),
      signingKeys,
      accessChecked,
      apiKeys: createApiKeyStore({ database, revocations, clock, maxPerUser: config.API_KEYS_PER_USER }),
      access: createApiKeyAccess(accessChecked),
      findHolder: createFindHolder({ users: userClient, permissionsOf }),
    }),
    dependsOn: ["database"],
    work: () => [
      repeat("replace signing keys", KEYS_LOOKED_AT_EVERY_MS, signingKeys.advance, { clock, log }),
      repeat(
        "forget credentials whose time is over",
        FORGET_EVERY_MS,
        async (signal) => {
          await revocations.purge(signal);
          await sessions.purge(signal);
          await attempts.purge(signal);
          await forgetUnusedAccounts({ accounts, users, clock }, signal);
        },
        { clock, log },
      ),
      retentionOf(authSchema.schema, context),
    ],
  };
};
