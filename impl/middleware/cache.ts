// Serves responses from memory as bytes, without decoding or encoding anything. Concurrent misses of one key share one handler call; a
// principal-scoped response is kept for each caller; writes make the tags of their policy stale when they end, whatever their outcome.
// Staleness bound: at once in this process, the policy's ttl for writes of other processes.
import type { Call } from "#impl/runtime/call.ts";
import {
  type Handler,
  isPromise,
  type Link,
  type Output,
  singleInput,
  streamInput,
} from "#impl/runtime/handler.ts";
import type { Message } from "#impl/runtime/message.ts";
import type { Method } from "#impl/runtime/method.ts";
import { CacheScope } from "#impl/runtime/policy.ts";
import { Code } from "#impl/runtime/status.ts";
import { type TagTemplates, tagTemplates } from "./cache-tags.ts";
import { createResponseStore, type Entry, type ResponseStore } from "./response-store.ts";

/** `hit`: from memory; `shared`: joined a miss under way; `miss`: the handler ran. */
export type CacheOutcome = "hit" | "shared" | "miss";

export interface CacheOptions {
  /** Budget of keys and messages. */
  readonly maxBytes: number;
  readonly onLookup?: (method: Method, outcome: CacheOutcome) => void;
}

export function cache(options: CacheOptions): Link {
  const store = createResponseStore(options.maxBytes);
  return (method, next) => {
    if (method.policy.cache !== undefined && !method.requestStream && !method.responseStream) {
      return reading(method, next, store, options);
    }
    return method.policy.invalidates.length > 0 ? writing(method, next, store) : next;
  };
}

/** A miss under way, and the call that does the work. */
interface Flight {
  readonly leader: Call;
  readonly entry: Entry;
  readonly message: Promise<Message>;
}

function reading(method: Method, next: Handler, store: ResponseStore, options: CacheOptions): Handler {
  const policy = method.policy.cache;
  if (policy === undefined) return next;
  const { tagsOf } = tagTemplates(method, policy.tags);
  const perPrincipal = policy.scope === CacheScope.CACHE_SCOPE_PRINCIPAL;
  const flights = new Map<string, Flight>();
  const onLookup = options.onLookup ?? (() => {});

  const lead = (call: Call, request: Uint8Array, key: string): Output => {
    onLookup(method, "miss");
    const entry = store.open(key, tagsOf(request), call.startedAt + policy.ttlMs);
    let output: Output;
    try {
      output = next(call, request);
    } catch (error) {
      store.abandon(entry);
      throw error;
    }
    if (!isPromise(output)) {
      store.store(entry, output as Message);
      return output;
    }
    const flight: Flight = { leader: call, entry, message: output };
    flights.set(key, flight);
    const land = (): void => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    return output.then(
      (message) => {
        land();
        store.store(entry, message);
        return message;
      },
      (error) => {
        land();
        store.abandon(entry);
        throw error;
      },
    );
  };

  const lookUp = (call: Call, request: Uint8Array, key: string): Output => {
    const message = store.get(key, call.startedAt);
    if (message !== undefined) {
      onLookup(method, "hit");
      call.servedFromCache = true;
      return message;
    }
    const flight = flights.get(key);
    if (flight === undefined || flight.entry.stale || flight.leader.finished) return lead(call, request, key);
    onLookup(method, "shared");
    return flight.message.catch((error: unknown) => {
      // The leader's own end is not the followers': one of them takes over.
      if (call.finished || !endedByItself(flight.leader)) throw error;
      return lookUp(call, request, key) as Message | Promise<Message>;
    });
  };

  return (call, input) => {
    const request = singleInput(input);
    return lookUp(call, request, cacheKey(method, call, request, perPrincipal));
  };
}

/** The separator is in no path and no user id. */
function cacheKey(method: Method, call: Call, request: Uint8Array, perPrincipal: boolean): string {
  const bytes = Buffer.from(request.buffer, request.byteOffset, request.byteLength).toString("latin1");
  return perPrincipal
    ? `${method.path}\n${call.principal?.userId ?? ""}\n${bytes}`
    : `${method.path}\n${bytes}`;
}

/** True when the call's caller gave it up or its time ran out: its handler's error says nothing about other calls. */
function endedByItself(call: Call): boolean {
  const code = call.status?.code;
  return code === Code.CANCELLED || code === Code.DEADLINE_EXCEEDED;
}

function writing(method: Method, next: Handler, store: ResponseStore): Handler {
  const templates = tagTemplates(method, method.policy.invalidates);
  return (call, input) => {
    const tags = new Set<string>();
    call.onFinish(() => {
      for (const tag of tags) store.invalidate(tag);
    });
    if (!templates.dependOnRequest) {
      for (const tag of method.policy.invalidates) tags.add(tag);
      return next(call, input);
    }
    if (method.requestStream) return next(call, collectTags(streamInput(input), templates, tags));
    for (const tag of templates.tagsOf(singleInput(input))) tags.add(tag);
    return next(call, input);
  };
}

/** Tags of a request stream: those of its first message, the header, which names what the stream is about. */
async function* collectTags(
  messages: AsyncIterable<Uint8Array>,
  templates: TagTemplates,
  tags: Set<string>,
): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const bytes of messages) {
    if (first) for (const tag of templates.tagsOf(bytes)) tags.add(tag);
    first = false;
    yield bytes;
  }
}
