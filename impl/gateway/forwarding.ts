// Every method of the services that this process does not serve itself, forwarded to where they are. The methods come from the
// descriptors: what a service gains is forwarded from then on.
import type { Vouch } from "#impl/auth/vouch.ts";
import type { Handler } from "#impl/runtime/handler.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import type { ServiceImplementation } from "#impl/runtime/service.ts";
import type { Backends } from "./backends.ts";
import { forward } from "./forward.ts";

export function forwarding(
  schema: Schema,
  backends: Pick<Backends, "carrier">,
  services: ReadonlySet<string>,
  vouch: Vouch,
): ServiceImplementation {
  const handlers = new Map<string, Handler>();
  for (const method of schema.methods.values()) {
    if (services.has(method.service)) handlers.set(method.path, forward(method, backends, vouch));
  }
  return handlers;
}
