// What middleware does, and how often callers may call.
import { integer, optional, rate, text } from "./setting.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export const pipeline = {
  MIDDLEWARE_OFF: text(
    "Links of the pipeline to leave out, comma separated: trace, metrics, log, overload, deadline, compression, guessing, auth, rate, cache, validation.",
    "",
  ),
  RATE_LIMIT_READ: rate("Cheap reads of one account, or of one address without one.", "100/400"),
  RATE_LIMIT_SEARCH: rate("Likewise, reads that scan or aggregate.", "20/100"),
  RATE_LIMIT_WRITE: rate(
    "Likewise, changes, and messages sent on streams such as a chat, which wait for their turn.",
    "20/100",
  ),
  RATE_LIMIT_BULK: rate("Likewise, imports, uploads and bulk orders that are begun.", "1/20"),
  RATE_LIMIT_STREAM: rate("Likewise, long-lived streams that are opened.", "5/50"),
  RATE_LIMIT_CREDENTIALS: rate("Calls that check credentials, of one address, and of one account.", "2/40"),
  RATE_LIMIT_WRONG_CREDENTIALS: rate(
    "Credentials of one address that turn out wrong; beyond it only those that were verified before are taken. In each process.",
    "1/30",
  ),
  RATE_LIMIT_UNLIMITED: text(
    "Accounts that rate limits do not count, comma separated: those that services call each other with.",
    "service:ecommerce",
  ),
  REDIS_URL: optional(
    "A Redis in which processes share rate limits: redis://user:password@host:port. Without it each process counts for itself.",
  ),
  REDIS_TIMEOUT_MS: integer(
    "How long a call waits for Redis before its process decides alone, as it does until Redis answers again.",
    50,
    1,
    10_000,
  ),
  OVERLOAD_MIN_CALLS: integer(
    "Calls that may always be under way at once, however slow they are; streams apart.",
    20,
    1,
    1_000_000,
  ),
  OVERLOAD_MAX_CALLS: integer(
    "Calls that may be under way at most, no fewer; between the two the limit follows how long calls take.",
    1_000,
    1,
    1_000_000,
  ),
  OVERLOAD_MAX_STREAMS: integer("Streams that may be open at once.", 10_000, 1, 10_000_000),
  OVERLOAD_TURN_MS: integer(
    "When calls wait longer than this for the event loop, and have for 100 ms, those beyond are refused.",
    50,
    1,
    60_000,
  ),
  CACHE_MAX_BYTES: integer("Memory of the response cache in bytes.", 64 * MIB, 64 * KIB, 16 * 1024 * MIB),
  COMPRESSION_MIN_BYTES: integer("Smaller responses are not compressed.", KIB, 0, 64 * MIB),
  COMPRESSION_ASYNC_BYTES: integer(
    "Responses from this size on are compressed off the main thread.",
    64 * KIB,
    0,
    64 * MIB,
  ),
  MAX_DEADLINE_MS: integer("A caller's longer deadline is cut to this.", 86_400_000, 1, 2_147_483_647),
};
