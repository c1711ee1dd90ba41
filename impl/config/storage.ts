// What is kept, and where.
import { integer, oneOf, optional, text } from "./setting.ts";

export const storage = {
  DATA_DIR: text(
    "Folder of the embedded PostgreSQL, product images and the development signing key.",
    ".data",
  ),
  DATABASE_URL: optional(
    "A PostgreSQL 18 to use in place of the embedded one: postgres://user:password@host:port/database.",
  ),
  DATABASE_CONNECTIONS: integer("Connections to PostgreSQL.", 10, 1, 500),
  STATEMENT_TIMEOUT_MS: integer("A statement that runs longer is ended. 0 is never.", 15_000, 0, 3_600_000),
  EVENT_RETENTION_HOURS: integer(
    "How long events are kept, and so for how long a stream can be resumed.",
    168,
    1,
    8_760,
  ),
  SHOW_DATABASE_URL: oneOf(
    "Show the database's URL, password included, at /debug/runtime, for a harness that starts further processes on it.",
    ["0", "1"],
    "0",
  ),
};
