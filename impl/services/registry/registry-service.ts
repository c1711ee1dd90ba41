// RegistryService: which instances of which services there are.
import { notFound } from "#impl/runtime/rpc-error.ts";
import { implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import {
  type Instance,
  type ListInstancesRequest,
  type ListInstancesResponse,
  RegistryServiceDefinition,
} from "#proto/ecommerce/v1/registry.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import type { PageTokens, TokenUse } from "../shared/page-token.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { watchInstances } from "./instance-watch.ts";
import type { RegistryStore } from "./registry-store.ts";

export interface RegistryServiceOptions {
  readonly store: RegistryStore;
  /** The one that the store writes. */
  readonly events: EventLog;
  readonly tokens: PageTokens;
}

const DEFAULT_LEASE_MS = 15_000;
const DEFAULT_WEIGHT = 100;
const DEFAULT_PAGE_SIZE = 200;
const LARGEST_PAGE_SIZE = 1_000;

export function createRegistryService(options: RegistryServiceOptions): ServiceImplementation {
  const { store } = options;
  return implement(RegistryServiceDefinition, {
    async registerInstance({ instance, lease }, { signal }) {
      const leaseMs = millisecondsOf(lease) ?? DEFAULT_LEASE_MS;
      const known = await store.register(accepted(instance), leaseMs, signal);
      return { instance: known, heartbeatInterval: durationOf(Math.trunc(leaseMs / 3)) };
    },

    async heartbeat({ instanceId, state }, { signal }) {
      const expireTime = await store.renew(instanceId, state, signal);
      if (expireTime === undefined) throw notFound("ecommerce.v1.Instance", instanceId);
      return { expireTime };
    },

    async deregisterInstance({ instanceId }, { signal }) {
      await store.remove(instanceId, signal);
      return {};
    },

    listInstances: (request, { signal }) => listInstances(options, request, signal),

    watchInstances: (request, call) => watchInstances(options, request, call),
  });
}

/** The rules of the fields have been checked. */
function accepted(instance: Instance | undefined): Instance {
  if (instance === undefined) throw new Error("a registration without an instance passed validation");
  return { ...instance, weight: instance.weight === 0 ? DEFAULT_WEIGHT : instance.weight };
}

async function listInstances(
  { store, tokens }: RegistryServiceOptions,
  { service, pageSize, pageToken }: ListInstancesRequest,
  signal: AbortSignal,
): Promise<ListInstancesResponse> {
  requireStorableText({ service }, "");
  const use: TokenUse = { purpose: "registry.list.1", field: "page_token", boundTo: service };
  const limit = Math.min(pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize, LARGEST_PAGE_SIZE);
  const after = pageToken === "" ? "" : tokens.open(use, pageToken);
  const instances = await store.page({ service, after, limit: limit + 1 }, signal);
  const page = instances.slice(0, limit);
  const last = instances.length > limit ? page.at(-1) : undefined;
  return {
    instances: page,
    nextPageToken: last === undefined ? "" : tokens.seal(use, last.instanceId),
  };
}

function durationOf(ms: number) {
  return { seconds: BigInt(Math.trunc(ms / 1_000)), nanos: (ms % 1_000) * 1_000_000 };
}
