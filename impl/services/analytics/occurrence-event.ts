// An occurrence as an event of the log, from which streams are made: its facts in a short form of our own, since only this service reads it.
import type { Event, NewEvent } from "#impl/storage/events/event.ts";
import type { Metric } from "#proto/ecommerce/v1/analytics.ts";
import type { Fact, Occurrence, Source } from "./occurrence.ts";

type ShortFact = [
  metric: Metric,
  amount: string,
  currency: string,
  country: string,
  productId: string,
  status: string,
  rpcMethod: string,
  rpcCode: string,
  weight: string,
];

interface Payload {
  readonly time: number;
  readonly facts: readonly ShortFact[];
}

/** Its key is its source. */
export function occurrenceEvent(source: Source, { time, facts }: Occurrence): NewEvent {
  const payload: Payload = { time, facts: facts.map(shorten) };
  return { type: `${source}.occurrence`, keys: [source], payload: Buffer.from(JSON.stringify(payload)) };
}

export function occurrenceOf({ payload }: Event): Pick<Occurrence, "time" | "facts"> {
  const { time, facts }: Payload = JSON.parse(Buffer.from(payload).toString());
  return { time, facts: facts.map(lengthen) };
}

function shorten(fact: Fact): ShortFact {
  const { metric, amount, currency, country, productId, status, rpcMethod, rpcCode, weight } = fact;
  return [metric, String(amount), currency, country, productId, status, rpcMethod, rpcCode, String(weight)];
}

function lengthen(short: ShortFact): Fact {
  const [metric, amount, currency, country, productId, status, rpcMethod, rpcCode, weight] = short;
  return {
    metric,
    amount: BigInt(amount),
    currency,
    country,
    productId,
    status,
    rpcMethod,
    rpcCode,
    weight: BigInt(weight),
  };
}
