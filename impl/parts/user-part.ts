import { KNOWN_ROLES } from "../auth/roles.ts";
import { createUserService } from "../services/user/user-service.ts";
import { createUserStore } from "../services/user/user-store.ts";
import { usersSchema } from "../services/user/user-tables.ts";
import { migrate } from "../storage/migrations.ts";
import type { MakePart } from "./part.ts";
import { purgeOf } from "./purge.ts";

export const userPart: MakePart = async (context) => {
  const { schema, database, clock, newId, audit, tokens, accessChecked } = context;
  await migrate(database, usersSchema);
  const store = createUserStore(database, { clock });
  return {
    service: "ecommerce.v1.UserService",
    implementation: createUserService({
      store,
      schema,
      newId,
      audit,
      tokens,
      knownRoles: KNOWN_ROLES,
      accessChecked,
    }),
    dependsOn: ["database"],
    work: () => [purgeOf(store, context)],
  };
};
