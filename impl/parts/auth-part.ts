import { randomBytes } from "node:crypto";
import { UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { permissionsOf } from "../auth/roles.ts";
import { repeat } from "../runtime/repeat.ts";
import { createApiKeyAccess } from "../services/auth/api-key-access.ts";
import { createFindHolder } from "../services/auth/api-key-holder.ts";
import { createApiKeyStore } from "../services/auth/api-key-store.ts";
import { createAuthService } from "../services/auth/auth-service.ts";
import { authSchema } from "../services/auth/auth-tables.ts";
import { createRevocations } from "../services/auth/revocations.ts";
import { migrate } from "../storage/migrations.ts";
import { openEventLog, retentionOf } from "./event-log.ts";
import type { MakePart } from "./part.ts";

const FORGET_EVERY_MS = 3_600_000;

export const authPart: MakePart = async (context) => {
  const { database, clock, log, tokens, clients, newId, audit, accessChecked } = context;
  await migrate(database, authSchema);
  const events = await openEventLog(authSchema.schema, context);
  const revocations = createRevocations({ database, events, clock });
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
      apiKeys: createApiKeyStore(database, revocations),
      access: createApiKeyAccess(accessChecked),
      findHolder: createFindHolder({ users: clients.of(UserServiceDefinition), permissionsOf }),
    }),
    dependsOn: ["database"],
    work: () => [
      repeat("forget revocations", FORGET_EVERY_MS, revocations.purge, { clock, log }),
      retentionOf(authSchema.schema, context),
    ],
  };
};
