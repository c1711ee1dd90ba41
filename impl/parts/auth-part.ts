import { repeat } from "../runtime/repeat.ts";
import { createAuthService } from "../services/auth/auth-service.ts";
import { authSchema } from "../services/auth/auth-tables.ts";
import { createRevocations } from "../services/auth/revocations.ts";
import { migrate } from "../storage/migrations.ts";
import { openEventLog, retentionOf } from "./event-log.ts";
import type { MakePart } from "./part.ts";

const FORGET_EVERY_MS = 3_600_000;

export const authPart: MakePart = async (context) => {
  const { database, clock, log, tokens } = context;
  await migrate(database, authSchema);
  const events = await openEventLog(authSchema.schema, context);
  const revocations = createRevocations({ database, events, clock });
  return {
    service: "ecommerce.v1.AuthService",
    implementation: createAuthService({ revocations, events, tokens }),
    dependsOn: ["database"],
    work: () => [
      repeat("forget revocations", FORGET_EVERY_MS, revocations.purge, { clock, log }),
      retentionOf(authSchema.schema, context),
    ],
  };
};
