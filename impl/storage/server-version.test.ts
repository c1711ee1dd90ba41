import { expect, test } from "vitest";
import { requireServerVersion } from "./server-version.ts";
import { testDatabase } from "./testing/test-database.ts";

const database = await testDatabase();

test("a server that is new enough is let through, and one that is too old is named", async () => {
  await expect(requireServerVersion(database)).resolves.toBeUndefined();
  await expect(requireServerVersion(database, 999)).rejects.toThrow(
    /^DATABASE_URL: PostgreSQL \d+\.\S+.* is too old: 999 or newer is needed$/,
  );
});
