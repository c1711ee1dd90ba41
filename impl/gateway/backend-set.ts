// The instances of one discovery, each with its connections. An instance that comes gets calls once it is connected; one that goes gets
// no new calls and finishes those it has.
import type { Discovery, Endpoint } from "#impl/client/discovery.ts";
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import type { BackendLine, Carrier } from "./backend-line.ts";
import type { BackendLines } from "./backend-lines.ts";

export interface BackendSetOptions {
  readonly discovery: Discovery;
  readonly lines: BackendLines;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface BackendSet {
  /** The least busy instance's connection. Rejects with an Error that says why there is none. */
  carrier(): Carrier | Promise<Carrier>;
  /** Instances that can be called now. */
  readonly connected: number;
  /** Stops to follow the discovery. */
  stop(): Promise<void>;
}

interface Member {
  readonly line: BackendLine;
  readonly weight: number;
}

const WATCH_PAUSE_MS = 500;
/** What a call waits at most for the first word of a discovery. */
const FIRST_WORD_MS = 2_000;

export function followBackends({ discovery, lines, clock, log }: BackendSetOptions): BackendSet {
  const stopped = new AbortController();
  const { signal } = stopped;
  const known = Promise.withResolvers<void>();
  let isKnown = false;
  let members: ReadonlyMap<string, Member> = new Map();

  const replace = (endpoints: readonly Endpoint[]): void => {
    const before = members;
    members = new Map(
      endpoints.map(({ address, weight = 1 }) => {
        const line = before.get(address)?.line ?? lines.take(address);
        return [address, { line, weight }];
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

  return {
    carrier: () => leastBusy(members.values()) ?? connect(),
    get connected() {
      return Array.from(members.values()).filter(({ line }) => line.carrier !== undefined).length;
    },
    async stop() {
      stopped.abort();
      await following;
      for (const { line } of members.values()) lines.release(line);
      members = new Map();
    },
  };
}

/** The fewest calls for its weight. */
function leastBusy(members: Iterable<Member>): Carrier | undefined {
  let best: Carrier | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const { line, weight } of members) {
    const load = line.calls / weight;
    if (load >= least || !line.admits) continue;
    const { carrier } = line;
    if (carrier === undefined) continue;
    best = carrier;
    least = load;
  }
  return best;
}
