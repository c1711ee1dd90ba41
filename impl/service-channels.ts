// Channels to the instances of services in other processes: one an instance, each call on the next that can take it.
import {
  type ChannelCredentials,
  Client,
  type ClientOptions,
  connectivityState,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { CallError } from "./client/call-error.ts";
import type { Discovery } from "./client/discovery.ts";
import { type Clock, sleep } from "./runtime/clock.ts";
import type { Logger } from "./runtime/logger.ts";
import { Code } from "./runtime/status.ts";

export interface ServiceChannelsOptions {
  /** Full name of the service, for errors. */
  readonly service: string;
  readonly discovery: Discovery;
  readonly credentials: ChannelCredentials;
  readonly channelOptions: ClientOptions;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface ServiceChannels {
  /** Resolves when it is known where the service is. */
  readonly known: Promise<void>;
  /** Throws a CallError, UNAVAILABLE, while no instance is known. */
  next(): Client;
  close(): void;
}

const WATCH_PAUSE_MS = 500;

export function openServiceChannels(options: ServiceChannelsOptions): ServiceChannels {
  const { service, discovery, credentials, channelOptions, clock, log } = options;
  const stopped = new AbortController();
  const { signal } = stopped;
  let channels: ReadonlyMap<string, Client> = new Map();
  let turn = 0;
  const known = Promise.withResolvers<void>();

  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        for await (const endpoints of discovery.watch(signal)) {
          const before = channels;
          channels = new Map(
            endpoints.map(({ address }) => [
              address,
              before.get(address) ?? connected(new Client(address, credentials, channelOptions)),
            ]),
          );
          for (const [address, channel] of before) if (!channels.has(address)) channel.close();
          known.resolve();
        }
        return;
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error }, "where a service is cannot be found out");
        await sleep(clock, WATCH_PAUSE_MS, signal).catch(() => {});
      }
    }
  };
  void follow();
  return {
    known: known.promise,
    next() {
      const all = [...channels.values()];
      const ready = all.filter((channel) => stateOf(channel) === connectivityState.READY);
      const usable = ready.length > 0 ? ready : all;
      turn += 1;
      const channel = usable[turn % usable.length];
      if (channel === undefined) throw new CallError(service, noInstance());
      return channel;
    },
    close() {
      stopped.abort();
      for (const channel of channels.values()) channel.close();
    },
  };
}

function noInstance(): ServiceError {
  const details = "no instance is known";
  return Object.assign(new Error(details), {
    code: Code.UNAVAILABLE as number,
    details,
    metadata: new Metadata(),
  });
}

function connected(channel: Client): Client {
  channel.getChannel().getConnectivityState(true);
  return channel;
}

function stateOf(channel: Client): connectivityState {
  return channel.getChannel().getConnectivityState(false);
}
