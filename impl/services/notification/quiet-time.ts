// The hours of the day in which a user wants to hear nothing. Times of day are those of the user's clock on the wall, so an hour that
// is skipped or repeated when that clock is changed makes a quiet time shorter or longer.
import { LRUCache } from "lru-cache";

export interface QuietTime {
  /** Minutes after midnight, 0 to 1439. */
  readonly startMinute: number;
  /** Before the start means the next day; equal to it, that there is no quiet time. */
  readonly endMinute: number;
  /** IANA name; empty means UTC. */
  readonly timeZone: string;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

/** When the quiet time that `now` is in ends, in milliseconds since the epoch and after `now`. Undefined when it is in none. */
export function quietUntil({ startMinute, endMinute, timeZone }: QuietTime, now: number): number | undefined {
  const minuteAt = (time: number): number => minuteOfDay(time, timeZone);
  const minute = minuteAt(now);
  if (!isBetween(minute, startMinute, endMinute)) return undefined;
  const left = (endMinute - minute + DAY_MINUTES) % DAY_MINUTES;
  const end = Math.floor(now / MINUTE_MS) * MINUTE_MS + left * MINUTE_MS;
  // The clock may be changed before that. Where it then skips the end, the time after the gap is the end.
  const wrongBy = ((minuteAt(end) - endMinute + DAY_MINUTES * 1.5) % DAY_MINUTES) - DAY_MINUTES / 2;
  const corrected = end - wrongBy * MINUTE_MS;
  return corrected > now && minuteAt(corrected) === endMinute ? corrected : end;
}

/** Whether the runtime knows the time zone. */
export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function isBetween(minute: number, start: number, end: number): boolean {
  return start <= end ? minute >= start && minute < end : minute >= start || minute < end;
}

function minuteOfDay(time: number, timeZone: string): number {
  const parts = formatOf(timeZone).formatToParts(time);
  const numberOf = (wanted: string): number => Number(parts.find(({ type }) => type === wanted)?.value);
  return numberOf("hour") * 60 + numberOf("minute");
}

/** Making one costs far more than using it. */
const formats = new LRUCache<string, Intl.DateTimeFormat>({ max: 64 });

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-GB", {
    timeZone: timeZone === "" ? "UTC" : timeZone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  formats.set(timeZone, made);
  return made;
}
