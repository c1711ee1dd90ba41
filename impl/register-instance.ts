// Keeps this process in the registry: registered with a lease once it serves, renewed by heartbeats that tell how it is, out of it when it ends.
// A registry that cannot be reached is asked again and again; nothing here stops the process from serving.

import {
  type Instance,
  InstanceState,
  type RegistryServiceDefinition,
} from "#proto/ecommerce/v1/registry.ts";
import { CallError } from "./client/call-error.ts";
import type { ClientOf } from "./client/client.ts";
import { type Clock, sleep } from "./runtime/clock.ts";
import type { Logger } from "./runtime/logger.ts";
import { Code } from "./runtime/status.ts";

export interface RegistrationOptions {
  readonly client: ClientOf<RegistryServiceDefinition>;
  readonly instance: Omit<Instance, "state" | "expireTime">;
  readonly leaseMs: number;
  readonly ready: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Registration {
  /** Tells that no new calls are wanted. Never rejects, and waits no longer than a moment. */
  drain(): Promise<void>;
  /** Takes the instance out. Never rejects; safe to call twice. */
  end(): Promise<void>;
}

const RETRY_MS = 500;
/** How soon a change of the state is told. */
const NEWS_MS = 500;
/** What a process that ends waits for a registry that does not answer. */
const LAST_WORDS_MS = 1_000;

export function keepRegistered(options: RegistrationOptions): Registration {
  const { client, instance, leaseMs, ready, clock, log } = options;
  const { instanceId } = instance;
  const stopped = new AbortController();
  const { signal } = stopped;
  const state = (): InstanceState =>
    ready() ? InstanceState.INSTANCE_STATE_SERVING : InstanceState.INSTANCE_STATE_NOT_SERVING;
  const lease = { seconds: BigInt(Math.trunc(leaseMs / 1_000)), nanos: (leaseMs % 1_000) * 1_000_000 };

  const register = async (): Promise<void> => {
    const known = { ...instance, state: state(), expireTime: undefined };
    await client.registerInstance({ instance: known, lease }, { signal });
  };
  const renew = async (): Promise<void> => {
    try {
      await client.heartbeat({ instanceId, state: state() }, { signal });
    } catch (error) {
      if (!(error instanceof CallError) || error.code !== Code.NOT_FOUND) throw error;
      await register();
    }
  };
  /** Waits until the lease wants to be renewed, or there is news to tell. */
  const pause = async (told: InstanceState): Promise<void> => {
    const renewAt = clock.monotonic() + leaseMs / 3;
    while (clock.monotonic() < renewAt && state() === told) {
      await sleep(clock, Math.min(NEWS_MS, leaseMs / 3), signal);
    }
  };
  const keep = async (): Promise<void> => {
    let step = register;
    let failing = false;
    while (!signal.aborted) {
      try {
        const told = state();
        await step();
        step = renew;
        failing = false;
        await pause(told);
      } catch (error) {
        if (signal.aborted) return;
        if (!failing) log.warn({ err: error }, "the registry does not take this instance and is asked again");
        failing = true;
        await sleep(clock, RETRY_MS, signal).catch(() => {});
      }
    }
  };
  const keeping = keep();
  const say = async (words: Promise<unknown>, what: string): Promise<void> => {
    await words.catch((error: unknown) =>
      log.warn({ err: error }, `the registry could not be told: ${what}`),
    );
  };
  const deregister = async (): Promise<void> => {
    stopped.abort();
    await keeping;
    await say(client.deregisterInstance({ instanceId }, { deadlineMs: LAST_WORDS_MS }), "gone");
  };
  let ended: Promise<void> | undefined;
  return {
    async drain() {
      stopped.abort();
      await keeping;
      const draining = { instanceId, state: InstanceState.INSTANCE_STATE_DRAINING };
      await say(client.heartbeat(draining, { deadlineMs: LAST_WORDS_MS }), "draining");
    },
    end() {
      ended ??= deregister();
      return ended;
    },
  };
}
