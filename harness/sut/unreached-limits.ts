// Settings under which the limits of the system cost what they cost and refuse nothing: one caller makes all the calls of a run.

const unreachedRate = "1000000/100000000";
const unreachedCount = "1000000";

export const UNREACHED_LIMITS: Readonly<Record<string, string>> = {
  RATE_LIMIT_READ: unreachedRate,
  RATE_LIMIT_SEARCH: unreachedRate,
  RATE_LIMIT_WRITE: unreachedRate,
  RATE_LIMIT_BULK: unreachedRate,
  RATE_LIMIT_STREAM: unreachedRate,
  RATE_LIMIT_CREDENTIALS: unreachedRate,
  RATE_LIMIT_WRONG_CREDENTIALS: unreachedRate,
  OVERLOAD_MIN_CALLS: unreachedCount,
  OVERLOAD_MAX_CALLS: unreachedCount,
  OVERLOAD_MAX_STREAMS: unreachedCount,
  OVERLOAD_TURN_MS: "60000",
};
