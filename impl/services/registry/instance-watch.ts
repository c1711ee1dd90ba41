// WatchInstances: the instances that are there, then the log of those that come, change and go.
import type { Call } from "#impl/runtime/call.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import {
  type InstanceEvent,
  InstanceEventKind,
  type WatchInstancesRequest,
  type WatchInstancesResponse,
} from "#proto/ecommerce/v1/registry.ts";
import { eventStream } from "../shared/event-stream.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { instanceEventOf, serviceKey } from "./registry-events.ts";
import type { RegistryStore } from "./registry-store.ts";

export interface InstanceWatchOptions {
  readonly store: RegistryStore;
  readonly events: EventLog;
  readonly tokens: PageTokens;
}

const SNAPSHOT_PAGE = 500;

export function watchInstances(
  { store, events, tokens }: InstanceWatchOptions,
  request: WatchInstancesRequest,
  call: Call,
): AsyncGenerator<WatchInstancesResponse> {
  const services = request.services.toSorted();
  requireStorableText({ services }, "");
  return eventStream<WatchInstancesResponse>({
    log: events,
    tokens,
    call,
    purpose: "registry.watch.1",
    boundTo: JSON.stringify(services),
    resumeToken: request.resumeToken,
    start: "snapshot",
    ...(services.length === 0 ? {} : { keys: services.map(serviceKey) }),
    update: (event) => updateMessage(instanceEventOf(event)),
    heartbeat: (serverTime) => ({
      event: { $case: "heartbeat", value: { serverTime } },
      resumeToken: "",
    }),
    snapshot: (signal) => present(store, services, signal),
  });
}

async function* present(
  store: RegistryStore,
  services: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<WatchInstancesResponse> {
  const wanted = new Set(services);
  for (let after = ""; ; ) {
    const page = await store.page({ service: "", after, limit: SNAPSHOT_PAGE }, signal);
    for (const instance of page) {
      if (wanted.size > 0 && !instance.services.some((service) => wanted.has(service))) continue;
      yield updateMessage({ kind: InstanceEventKind.INSTANCE_EVENT_KIND_SNAPSHOT, instance });
    }
    if (page.length < SNAPSHOT_PAGE) return;
    after = page.at(-1)?.instanceId ?? "";
  }
}

function updateMessage(value: InstanceEvent): WatchInstancesResponse {
  return { event: { $case: "update", value }, resumeToken: "" };
}
