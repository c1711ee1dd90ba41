// Tells the customer of a change that no other saga has brought about: that the parcel was sent, that it has arrived.
import { NOTICE_EVENTS, type NoticeEvent } from "./notify.ts";
import type { OrderSagaContext } from "./order-saga.ts";
import type { SagaRun } from "./saga.ts";

export interface NoticeSagaData {
  readonly event: NoticeEvent;
}

export async function runNoticeSaga({ task, signal }: SagaRun, context: OrderSagaContext): Promise<void> {
  await context.notices?.tell(task, eventOf(task.saga.data), signal);
  await context.store.end(task.saga);
}

function eventOf(data: unknown): NoticeEvent {
  const named = typeof data === "object" && data !== null && "event" in data ? data.event : undefined;
  const event = NOTICE_EVENTS.find((candidate) => candidate === named);
  if (event === undefined) throw new TypeError(`a notice of ${String(named)}: there is no such event`);
  return event;
}
