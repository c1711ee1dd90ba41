// The stream of WatchRevocations: all that is still of effect, then what follows.
import type { Call } from "#impl/runtime/call.ts";
import type { Event } from "#impl/storage/events/event.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import {
  Revocation,
  type WatchRevocationsRequest,
  type WatchRevocationsResponse,
} from "#proto/ecommerce/v1/auth.ts";
import { eventStream } from "../shared/event-stream.ts";
import { oncePerEvent } from "../shared/once-per-event.ts";
import type { PageTokens } from "../shared/page-token.ts";
import type { Revocations } from "./revocations.ts";

export interface WatchingNeeds {
  readonly revocations: Revocations;
  readonly events: EventLog;
  readonly tokens: PageTokens;
}

export function watchRevocations(
  { revocations, events, tokens }: WatchingNeeds,
  { resumeToken }: WatchRevocationsRequest,
  call: Call,
): AsyncGenerator<WatchRevocationsResponse> {
  return eventStream<WatchRevocationsResponse>({
    call,
    log: events,
    tokens,
    purpose: "auth.revocations.1",
    boundTo: "",
    resumeToken,
    start: "snapshot",
    // At once, so that whoever watches knows that it does.
    opening: () => heartbeat(new Date(call.environment.clock.now())),
    heartbeat,
    update: (event) => messageOf(readRevocation(event)),
    async *snapshot(signal) {
      for await (const revocation of revocations.current(signal)) yield messageOf(revocation);
    },
  });
}

const readRevocation = oncePerEvent((event: Event): Revocation => Revocation.decode(event.payload));

function heartbeat(serverTime: Date): WatchRevocationsResponse {
  return { event: { $case: "heartbeat", value: { serverTime } }, resumeToken: "" };
}

function messageOf(value: Revocation): WatchRevocationsResponse {
  return { event: { $case: "revocation", value }, resumeToken: "" };
}
