import type { MigrationOptions } from "#impl/storage/migrations.ts";

/** For `migrate`, beside the tables of the event log in the same schema. */
export const analyticsSchema: MigrationOptions = {
  schema: "analytics",
  folder: new URL("./migrations/", import.meta.url),
};
