// The insertion of events as text: for a statement of its own, or for a part of one that changes the state as well, which then is all of
// its transaction and costs one round trip.
import type { NewEvent } from "./event.ts";

export interface EventInsertion {
  /** The schema of the service. */
  readonly schema: string;
  /** The number of the first of the four parameters that `eventParameters` gives. */
  readonly firstParameter: number;
  /**
   * What `event` (type, keys, payload, place) is joined with, such as "cross join changed", where `changed` is the part of the statement
   * that has locked or written the rows. Default nothing.
   */
  readonly joined?: string;
}

/** One text for any number of events. Whatever the planner does, `place` keeps their order. */
export function eventInsertion({ schema, firstParameter, joined = "" }: EventInsertion): string {
  const parameter = (offset: number): string => `$${firstParameter + offset}`;
  return `
insert into ${schema}.outbox (type, keys, payload, write_time)
select event.type, event.keys::text[], event.payload, ${parameter(3)}::timestamptz
from unnest(${parameter(0)}::text[], ${parameter(1)}::text[], ${parameter(2)}::bytea[])
  with ordinality as event (type, keys, payload, place) ${joined}
order by event.place`;
}

export function eventParameters(events: readonly NewEvent[], time: Date): unknown[] {
  return [
    events.map(({ type }) => type),
    events.map(({ keys }) => arrayLiteral(keys)),
    events.map(({ payload }) => payload),
    time,
  ];
}

/** An array within an array would have to be a matrix. */
function arrayLiteral(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`).join()}}`;
}
