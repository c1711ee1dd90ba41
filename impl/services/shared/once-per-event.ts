// What is made of an event is made once, however many streams of this process show it.
import type { Event } from "#impl/storage/events/event.ts";

/** `read` must depend on the event alone; nobody may change its result. */
export function oncePerEvent<T extends object>(read: (event: Event) => T): (event: Event) => T {
  const known = new WeakMap<Event, T>();
  return (event) => {
    const before = known.get(event);
    if (before !== undefined) return before;
    const made = read(event);
    known.set(event, made);
    return made;
  };
}
