// The instances of one discovery, each with its connections. An instance that comes gets calls once it is connected; one that goes gets
// no new calls and finishes those it has.
import type { Balancer, Candidate } from "#impl/client/balancer.ts";
import type { Discovery, Endpoint } from "#impl/client/discovery.ts";
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import type { BackendLine, Carrier } from "./backend-line.ts";
import type { BackendLines } from "./backend-lines.ts";

export interface BackendSetOptions {
  readonly discovery: Discovery;
  readonly lines: BackendLines;
  readonly balancer: Balancer;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface BackendSet {
  /** A connection of the instance that the balancer picks. Rejects with an Error that says why there is none. */
  carrier(): Carrier | Promise<Carrier>;
  /** Instances that can be called now. */
  readonly connected: number;
  /** Stops to follow the discovery. */
  stop(): Promise<void>;
}

/** An instance as the balancer sees it: by the calls under way to it, whatever they were for. */
class Member implements Candidate {
  readonly line: BackendLine;
  readonly weight: number;
  readonly ramp = 1;
  readonly latencyMs = 0;

  constructor(line: BackendLine, weight: number) {
    this.line = line;
    this.weight = weight;
  }

  get outstanding(): number {
    return this.line.calls;
  }
}

const WATCH_PAUSE_MS = 500;
/** What a call waits at most for the first word of a discovery. */
const FIRST_WORD_MS = 2_000;

export function followBackends({ discovery, lines, balancer, clock, log }: BackendSetOptions): BackendSet {
  const stopped = new AbortController();
  const { signal } = stopped;
  const known = Promise.withResolvers<void>();
  let isKnown = false;
  let members: ReadonlyMap<string, Member> = new Map();

  const replace = (endpoints: readonly Endpoint[]): void => {
    const before = members;
    members = new Map(
      endpoints.map(({ address, weight = 1 }) => {
        const known = before.get(address);
        // The same object as long as nothing changes: what a balancer remembers of it goes on.
        const member = known?.weight === weight ? known : undefined;
        return [address, member ?? new Member(known?.line ?? lines.take(address), weight)];
      }),
    );
    for (const [address, { line }] of before) if (!members.has(address)) lines.release(line);
    isKnown = true;
    known.resolve();
  };
  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        for await (const endpoints of discovery.watch(signal)) replace(endpoints);
        // One that ends by itself has nothing more to say.
        return;
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: error }, "where the backends are cannot be found out and will be asked again");
        await sleep(clock, WATCH_PAUSE_MS, signal).catch(() => {});
      }
    }
  };
  const following = follow();

  /** Told from a call that found no connection: each instance is tried, whatever the pause after its last failure. */
  const connect = async (): Promise<Carrier> => {
    if (!isKnown) await Promise.race([known.promise, sleep(clock, FIRST_WORD_MS)]);
    if (members.size === 0) throw new Error("no instance is known");
    const admitting = Array.from(members.values(), ({ line }) => line).filter(({ admits }) => admits);
    if (admitting.length === 0) throw new Error("the breakers of all instances are open");
    try {
      return await Promise.any(admitting.map((line) => line.carrier ?? line.connect()));
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error;
    }
  };

  const pick = (): Carrier | undefined => {
    const ready: Member[] = [];
    for (const member of members.values()) {
      if (member.line.admits && member.line.connected) ready.push(member);
    }
    return ready.length === 0 ? undefined : balancer.pick(ready).line.carrier;
  };

  return {
    carrier: () => pick() ?? connect(),
    get connected() {
      return Array.from(members.values()).filter(({ line }) => line.connected).length;
    },
    async stop() {
      stopped.abort();
      await following;
      for (const { line } of members.values()) lines.release(line);
      members = new Map();
    },
  };
}
