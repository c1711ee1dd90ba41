// The endpoints of services as the registry knows them: one stream of the registry for a whole process, and from it what each service is
// followed by. An endpoint is an instance that takes calls: one that drains or whose dependencies fail is none.
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import {
  type Instance,
  type InstanceEvent,
  InstanceEventKind,
  InstanceState,
  type RegistryServiceDefinition,
} from "#proto/ecommerce/v1/registry.ts";
import type { ClientOf } from "./client.ts";
import type { Discovery, Endpoint } from "./discovery.ts";

export interface RegistryDirectoryOptions {
  readonly client: Pick<ClientOf<RegistryServiceDefinition>, "listInstances" | "watchInstances">;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface RegistryDirectory {
  /** Discoveries of it wait for the first list. */
  of(service: string): Discovery;
  /**
   * Begins to follow the registry, once it can be reached; resolves with the first list. What was known last holds while it cannot be
   * reached.
   */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const PAUSE_MS = 500;
const PAGE_SIZE = 1_000;

export function createRegistryDirectory({ client, clock, log }: RegistryDirectoryOptions): RegistryDirectory {
  const stopped = new AbortController();
  const { signal } = stopped;
  const listeners = new Set<() => void>();
  let instances: Map<string, Instance> | undefined;
  let following: Promise<void> | undefined;
  const known = Promise.withResolvers<void>();

  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  /** The whole list, at first and now and then: whatever the stream may have missed is put right by it. */
  const read = async (): Promise<void> => {
    const all = new Map<string, Instance>();
    let pageToken = "";
    do {
      const page = await client.listInstances({ service: "", pageSize: PAGE_SIZE, pageToken }, { signal });
      for (const instance of page.instances) all.set(instance.instanceId, instance);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    instances = all;
    known.resolve();
    tell();
  };
  const apply = ({ kind, instance }: InstanceEvent): void => {
    if (instance === undefined || instances === undefined) return;
    if (kind === InstanceEventKind.INSTANCE_EVENT_KIND_REMOVED) instances.delete(instance.instanceId);
    else instances.set(instance.instanceId, instance);
    tell();
  };
  const followOnce = async (): Promise<void> => {
    await read();
    for await (const { event } of client.watchInstances({ services: [], resumeToken: "" }, { signal })) {
      if (event?.$case === "update") apply(event.value);
      else await read();
    }
  };
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await followOnce();
      } catch (error) {
        if (!signal.aborted)
          log.warn({ err: error }, "the registry cannot be followed and will be asked again");
      }
      await sleep(clock, PAUSE_MS, signal).catch(() => {});
    }
  };

  const endpointsOf = (service: string): readonly Endpoint[] | undefined =>
    instances === undefined ? undefined : endpoints(instances.values(), service);
  return {
    of: (service) => ({
      async resolve(ended) {
        for await (const all of changes(() => endpointsOf(service), listeners, ended)) return all;
        throw ended.reason;
      },
      watch: (ended) => changes(() => endpointsOf(service), listeners, ended),
    }),
    start() {
      following ??= follow();
      return known.promise;
    },
    async stop() {
      stopped.abort();
      await following;
    },
  };
}

/** The most that a weight counts for one. */
const UNIT_WEIGHT = 100;

function endpoints(instances: Iterable<Instance>, service: string): readonly Endpoint[] {
  const byAddress = new Map<string, Endpoint>();
  for (const { services, state, host, port, weight, zone } of instances) {
    if (state !== InstanceState.INSTANCE_STATE_SERVING || !services.includes(service)) continue;
    const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    byAddress.set(address, { address, weight: (weight || UNIT_WEIGHT) / UNIT_WEIGHT, zone });
  }
  return [...byAddress.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** What `read` gives, again whenever that has changed. */
async function* changes<T>(
  read: () => T | undefined,
  listeners: Set<() => void>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  let told: string | undefined;
  let wake = (): void => {};
  const listener = (): void => wake();
  listeners.add(listener);
  signal.addEventListener("abort", listener);
  try {
    while (!signal.aborted) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const value = read();
      const now = value === undefined ? undefined : JSON.stringify(value);
      if (value !== undefined && now !== told) {
        told = now;
        yield value;
        // It may have changed while the reader was busy.
        continue;
      }
      await changed;
    }
  } finally {
    listeners.delete(listener);
    signal.removeEventListener("abort", listener);
  }
}
