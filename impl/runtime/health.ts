// grpc.health.v1 for the whole server ("") and each service, and the watchers that a drain has to let go.
import type { ServerWritableStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";

export type ServingStatus = "SERVING" | "NOT_SERVING";

export interface Health {
  /** Sets the status of one service, or of the server for the empty name, and tells its watchers. */
  set(service: string, status: ServingStatus): void;
  get(service: string): ServingStatus;
  /** From now on everything is NOT_SERVING, whatever is set. */
  shutDown(): void;
  /** Ends the streams of all watchers. */
  endWatches(): void;
  addTo(server: ServiceHost): void;
}

/** The part of a grpc-js server that takes further services. */
export interface ServiceHost {
  addService(definition: object, implementation: UntypedServiceImplementation): void;
}

/** All services start NOT_SERVING: they serve when their dependencies have been seen to answer. */
export function createHealth(services: readonly string[]): Health {
  const statuses = new Map<string, ServingStatus>(["", ...services].map((name) => [name, "NOT_SERVING"]));
  const implementation = new HealthImplementation(Object.fromEntries(statuses));
  const watches = new Set<ServerWritableStream<unknown, unknown>>();
  let down = false;

  const publish = (service: string, status: ServingStatus): void => {
    if (statuses.get(service) === status) return;
    statuses.set(service, status);
    implementation.setStatus(service, status);
  };

  return {
    set(service, status) {
      if (!statuses.has(service)) throw new Error(`health: "${service}" is not a service of this server`);
      if (!down) publish(service, status);
    },
    get: (service) => statuses.get(service) ?? "NOT_SERVING",
    shutDown() {
      down = true;
      for (const service of statuses.keys()) publish(service, "NOT_SERVING");
    },
    endWatches() {
      for (const watch of watches) watch.end();
    },
    addTo(server) {
      const addService: ServiceHost["addService"] = (definition, handlers) => {
        server.addService(definition, { ...handlers, watch: tracked(handlers, watches) });
      };
      implementation.addToServer({ addService });
    },
  };
}

type Watches = Set<ServerWritableStream<unknown, unknown>>;

function tracked(
  handlers: UntypedServiceImplementation,
  watches: Watches,
): UntypedServiceImplementation[string] {
  const watch = handlers.watch as (call: ServerWritableStream<unknown, unknown>) => void;
  return (call: ServerWritableStream<unknown, unknown>) => {
    watches.add(call);
    call.on("close", () => watches.delete(call));
    call.on("cancelled", () => watches.delete(call));
    watch(call);
  };
}
