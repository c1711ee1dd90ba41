import { hkdfSync } from "node:crypto";
import { AuthServiceDefinition } from "#proto/ecommerce/v1/auth.ts";
import { KNOWN_ROLES } from "../auth/roles.ts";
import { openPageTokenKey } from "../open-keys.ts";
import { createUserCredentials } from "../services/user/user-credentials.ts";
import { createUserRevocations, startUserRevocations } from "../services/user/user-revocations.ts";
import { createUserService } from "../services/user/user-service.ts";
import { createUserStore } from "../services/user/user-store.ts";
import { usersSchema } from "../services/user/user-tables.ts";
import { migrate } from "../storage/migrations.ts";
import type { MakePart } from "./part.ts";
import { purgeOf } from "./purge.ts";

export const userPart: MakePart = async (context) => {
  const { config, schema, database, clients, clock, newId, log, audit, tokens, accessChecked } = context;
  await migrate(database, usersSchema);
  const store = createUserStore(database, { clock });
  const pageKey = await openPageTokenKey(config);
  const credentials = createUserCredentials({
    auth: clients.of(AuthServiceDefinition),
    tagKey: new Uint8Array(hkdfSync("sha256", pageKey, "", "password tags", 32)),
  });
  return {
    service: "ecommerce.v1.UserService",
    implementation: createUserService({
      store,
      schema,
      newId,
      audit,
      tokens,
      knownRoles: KNOWN_ROLES,
      credentials,
      accessChecked,
    }),
    dependsOn: ["database"],
    work: () => [
      startUserRevocations(createUserRevocations({ store, credentials }), { clock, log }),
      purgeOf(store, context),
    ],
  };
};
