// What the log holds of an instance that comes, changes or goes.
import type { Event, NewEvent } from "#impl/storage/events/event.ts";
import { type Instance, InstanceEvent, type InstanceEventKind } from "#proto/ecommerce/v1/registry.ts";

const TYPE = "instance.changed";

/** By which subscribers choose. */
export function serviceKey(service: string): string {
  return `service/${service}`;
}

/** `left` are services that it no longer serves, whose followers have to know. */
export function instanceEvent(
  kind: InstanceEventKind,
  instance: Instance,
  left: readonly string[] = [],
): NewEvent {
  const services = new Set([...instance.services, ...left]);
  return {
    type: TYPE,
    keys: [`instance/${instance.instanceId}`, ...Array.from(services, serviceKey)],
    payload: InstanceEvent.encode({ kind, instance }).finish(),
  };
}

export function instanceEventOf({ payload }: Event): InstanceEvent {
  return InstanceEvent.decode(payload);
}
