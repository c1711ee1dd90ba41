// Serves responses from memory as bytes, without decoding or encoding anything. Concurrent misses of one key share one handler call; a
// principal-scoped response is kept for each caller and what that caller may do; writes make the tags of their policy stale when they end,
// whatever their outcome, and once more when a handler ends after its call.
// Staleness bound: at once in this process, the policy's ttl for writes of other processes.
import { createHash } from "node:crypto";
import type { Call } from "#impl/runtime/call.ts";
import {
  type Handler,
  isPromise,
  isStream,
  type Link,
  type Output,
  singleInput,
  streamInput,
} from "#impl/runtime/handler.ts";
import type { Message } from "#impl/runtime/message.ts";
import type { Method } from "#impl/runtime/method.ts";
import { CacheScope } from "#impl/runtime/policy.ts";
import type { Principal } from "#impl/runtime/principal.ts";
import { parseRequest, requestMessage } from "#impl/runtime/request-fields.ts";
import { Code } from "#impl/runtime/status.ts";
import { type TagTemplates, tagTemplates } from "./cache-tags.ts";
import { createResponseStore, type Entry, type ResponseStore } from "./response-store.ts";

/** `hit`: from memory; `shared`: joined a miss under way; `miss`: the handler ran. */
export type CacheOutcome = "hit" | "shared" | "miss";

export interface CacheOptions {
  /** Budget of keys and messages; their compressed copies, which are smaller, come on top. */
  readonly maxBytes: number;
  readonly onLookup?: (method: Method, outcome: CacheOutcome) => void;
}

export function cache(options: CacheOptions): Link {
  const store = createResponseStore<Flight>(options.maxBytes);
  let methods = 0;
  return (method, next) => {
    if (method.policy.cache !== undefined && !method.requestStream && !method.responseStream) {
      methods += 1;
      return reading(method, methods, next, store, options);
    }
    return method.policy.invalidates.length > 0 ? writing(method, next, store) : next;
  };
}

/** A miss under way, and the call that does the work. */
interface Flight {
  readonly leader: Call;
  readonly message: Promise<Message>;
  /** The message for followers, who do not wait for a leader that has gone; made for the first of them. */
  shared: Promise<Message> | undefined;
}

/** Told to followers when the leader's caller gave up or its time ran out: that says nothing about their calls. */
const LEADER_GONE = new Error("the call that did the work for others has gone");

function reading(
  method: Method,
  space: number,
  next: Handler,
  store: ResponseStore<Flight>,
  options: CacheOptions,
): Handler {
  const policy = method.policy.cache;
  if (policy === undefined) return next;
  const templates = tagTemplates(method, policy.tags);
  const keyOf = cacheKeys(space, policy.scope === CacheScope.CACHE_SCOPE_PRINCIPAL);
  const onLookup = options.onLookup ?? (() => {});

  const lead = (call: Call, request: Uint8Array, key: string, now: number): Output => {
    onLookup(method, "miss");
    const tags = templates.fixed ?? templates.tagsOf(requestMessage(call, request));
    const entry = store.open(key, tags, now + policy.ttlMs);
    let output: Output;
    try {
      output = next(call, request);
    } catch (error) {
      store.abandon(entry);
      throw error;
    }
    if (isPromise(output)) takeOff(store, entry, { leader: call, message: output, shared: undefined });
    else store.store(entry, output as Message);
    return output;
  };

  const lookUp = (call: Call, request: Uint8Array, key: string): Output => {
    // Not `startedAt`: a caller may take its time between the headers and the request.
    const now = call.environment.clock.monotonic();
    const entry = store.find(key, now);
    if (entry?.message !== undefined) {
      onLookup(method, "hit");
      call.servedFromCache = true;
      return entry.message;
    }
    const flight = entry?.flight;
    if (flight === undefined || flight.leader.finished) return lead(call, request, key, now);
    onLookup(method, "shared");
    flight.shared ??= share(flight);
    return flight.shared.catch((error: unknown) => {
      // One of the followers takes over.
      if (call.finished || !(error === LEADER_GONE || hasGone(flight.leader))) throw error;
      return lookUp(call, request, key) as Message | Promise<Message>;
    });
  };

  return (call, input) => {
    const request = singleInput(input);
    return lookUp(call, request, keyOf(call, request));
  };
}

/** Lands before the caller is answered, since it listens first. */
function takeOff(store: ResponseStore<Flight>, entry: Entry<Flight>, flight: Flight): void {
  entry.flight = flight;
  flight.message.then(
    (message) => store.store(entry, message),
    () => store.abandon(entry),
  );
}

function share(flight: Flight): Promise<Message> {
  return new Promise((resolve, reject) => {
    flight.message.then(resolve, reject);
    flight.leader.onFinish((leader) => {
      if (hasGone(leader)) reject(LEADER_GONE);
    });
  });
}

/** `space` keeps the keys of a method apart from those of others. No part before the request holds the blank that ends it. */
function cacheKeys(space: number, perPrincipal: boolean): (call: Call, request: Uint8Array) => string {
  const ofNobody = `${space}  `;
  const known = new WeakMap<Principal, string>();
  const prefixOf = (principal: Principal | undefined): string => {
    if (principal === undefined) return ofNobody;
    let prefix = known.get(principal);
    if (prefix === undefined) {
      prefix = `${space} ${identityOf(principal)} `;
      known.set(principal, prefix);
    }
    return prefix;
  };
  return (call, request) => {
    const bytes =
      request instanceof Buffer
        ? request
        : Buffer.from(request.buffer, request.byteOffset, request.byteLength);
    return (perPrincipal ? prefixOf(call.principal) : ofNobody) + bytes.toString("latin1");
  };
}

/** One caller's tokens may allow different things, so the permissions are part of it. A digest: short, and of one length. */
function identityOf({ userId, roles, permissions }: Principal): string {
  const everything = JSON.stringify([userId, [...roles].sort(), [...permissions].sort()]);
  return createHash("sha256").update(everything).digest("base64url");
}

/** True when the call's caller gave it up or its time ran out. */
function hasGone(call: Call): boolean {
  const code = call.status?.code;
  return code === Code.CANCELLED || code === Code.DEADLINE_EXCEEDED;
}

function writing(method: Method, next: Handler, store: ResponseStore<Flight>): Handler {
  const templates = tagTemplates(method, method.policy.invalidates);
  return (call, input) => {
    const tags = new Set<string>();
    const invalidate = (): void => {
      for (const tag of tags) store.invalidate(tag);
    };
    call.onFinish(invalidate);
    if (templates.fixed !== undefined) {
      for (const tag of templates.fixed) tags.add(tag);
    } else if (method.requestStream) {
      return afterwards(
        call,
        next(call, collectTags(method, streamInput(input), templates, tags)),
        invalidate,
      );
    } else {
      for (const tag of templates.tagsOf(requestMessage(call, singleInput(input)))) tags.add(tag);
    }
    return afterwards(call, next(call, input), invalidate);
  };
}

/** A handler that ends after its call, such as a commit that its caller did not wait for, has its effect only then. */
function afterwards(call: Call, output: Output, invalidate: () => void): Output {
  if (isStream<Message>(output)) return invalidatingAfter(output, invalidate);
  const again = (): void => {
    if (call.finished) invalidate();
  };
  if (isPromise(output)) output.then(again, again);
  return output;
}

async function* invalidatingAfter(
  messages: AsyncIterable<Message>,
  invalidate: () => void,
): AsyncGenerator<Message> {
  try {
    yield* messages;
  } finally {
    invalidate();
  }
}

/** Tags of a request stream: those of its first message, the header, which names what the stream is about. */
async function* collectTags(
  method: Method,
  messages: AsyncIterable<Uint8Array>,
  templates: TagTemplates,
  tags: Set<string>,
): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const bytes of messages) {
    if (first) for (const tag of templates.tagsOf(parseRequest(method.input, bytes))) tags.add(tag);
    first = false;
    yield bytes;
  }
}
