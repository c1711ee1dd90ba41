// Every caller has a token bucket for each rate class of the contract, and a call takes one token when it opens. Known callers are told
// apart by their user or API key, anonymous ones by address; a call that has credentials checked draws from both, so that guessing is
// slow from one address and against one account. A cached answer costs a token too: what is bounded is asking.
// A stream costs one token of its class to open. On a request stream of the class STREAM, such as a chat, each message is a change of its
// own and costs a token of the class WRITE; the stream is not ended when there is none, it is read no faster. Messages of BULK
// streams are free: one token buys an import, which its handler reads at its own pace.
import type { Call } from "#impl/runtime/call.ts";
import { addressOf } from "#impl/runtime/caller-address.ts";
import { sleep } from "#impl/runtime/clock.ts";
import { type Handler, type Input, type Link, streamInput } from "#impl/runtime/handler.ts";
import type { Method } from "#impl/runtime/method.ts";
import { RateClass } from "#impl/runtime/policy.ts";
import { quotaExhausted, type RpcError } from "#impl/runtime/rpc-error.ts";
import { afterWait } from "./after-wait.ts";
import type { Buckets, Take } from "./buckets.ts";
import { accountOf } from "./caller-key.ts";
import type { BucketLimit } from "./token-bucket.ts";

/** The classes of the contract by the names that settings, metrics and errors have for them. */
export const RATE_CLASSES = {
  read: RateClass.RATE_CLASS_READ,
  search: RateClass.RATE_CLASS_SEARCH,
  write: RateClass.RATE_CLASS_WRITE,
  bulk: RateClass.RATE_CLASS_BULK,
  stream: RateClass.RATE_CLASS_STREAM,
  credentials: RateClass.RATE_CLASS_CREDENTIALS,
} as const;

export type RateClassName = keyof typeof RATE_CLASSES;

export interface RateLimitOptions {
  readonly buckets: Buckets;
  /** Without one a class is not limited. */
  readonly limits: Readonly<Partial<Record<RateClassName, BucketLimit | undefined>>>;
  /** Users that are never limited. */
  readonly unlimited?: ReadonlySet<string>;
  readonly onRefused?: (rateClass: RateClassName) => void;
}

/** The buckets of one class. */
interface ClassBuckets {
  readonly name: RateClassName;
  readonly ofUser: Take;
  readonly ofApiKey: Take;
  readonly ofAddress: Take;
}

/** Undefined when the call may go on; else who has to wait for how long. */
type Shortage = { readonly subject: string; readonly waitMs: number } | undefined;

export function rateLimit(options: RateLimitOptions): Link {
  const { buckets, limits, unlimited = new Set<string>(), onRefused = () => {} } = options;
  const classes = new Map<RateClass, ClassBuckets>();
  for (const [name, rate] of Object.entries(RATE_CLASSES) as Array<[RateClassName, RateClass]>) {
    const limit = limits[name];
    if (limit === undefined) continue;
    classes.set(rate, {
      name,
      ofUser: buckets.of(`${name}/user`, limit),
      ofApiKey: buckets.of(`${name}/api_key`, limit),
      ofAddress: buckets.of(`${name}/address`, limit),
    });
  }
  return (method, next) => {
    const handler = paceOf(method, next, classes.get(RateClass.RATE_CLASS_WRITE), unlimited);
    const opening = classes.get(method.policy.rate);
    return opening === undefined ? handler : limited(method, handler, opening, unlimited, onRefused);
  };
}

function limited(
  method: Method,
  next: Handler,
  opening: ClassBuckets,
  unlimited: ReadonlySet<string>,
  onRefused: (rateClass: RateClassName) => void,
): Handler {
  const goOn = afterWait(method, next);
  const { name } = opening;
  const take = method.policy.rate === RateClass.RATE_CLASS_CREDENTIALS ? takeBoth : takeOne;
  const refuse = ({ subject, waitMs }: NonNullable<Shortage>): RpcError => {
    onRefused(name);
    return rateLimited(name, subject, waitMs);
  };
  return (call, input) => {
    if (call.principal !== undefined && unlimited.has(call.principal.userId)) return next(call, input);
    const shortage = take(opening, call);
    if (shortage === undefined) return next(call, input);
    if (!(shortage instanceof Promise)) throw refuse(shortage);
    const ready = shortage.then((known) => {
      if (known !== undefined) throw refuse(known);
    });
    return goOn(ready, call, input);
  };
}

function takeOne(buckets: ClassBuckets, call: Call): Shortage | Promise<Shortage> {
  const account = accountOf(call);
  if (account === undefined) return fromAddress(buckets, call);
  const take = account.kind === "user" ? buckets.ofUser : buckets.ofApiKey;
  return shortageOf(account.kind, account.id, take(account.id));
}

/** The address first: who has no more of those learns nothing of the account. */
function takeBoth(buckets: ClassBuckets, call: Call): Shortage | Promise<Shortage> {
  const ofAddress = fromAddress(buckets, call);
  if (call.principal === undefined) return ofAddress;
  if (ofAddress instanceof Promise) return ofAddress.then((known) => known ?? takeOne(buckets, call));
  return ofAddress ?? takeOne(buckets, call);
}

function fromAddress(buckets: ClassBuckets, call: Call): Shortage | Promise<Shortage> {
  const address = addressOf(call.peer);
  return shortageOf("address", address, buckets.ofAddress(address));
}

function shortageOf(kind: string, key: string, wait: number | Promise<number>): Shortage | Promise<Shortage> {
  if (wait === 0) return undefined;
  if (wait instanceof Promise) return wait.then((waitMs) => shortageOf(kind, key, waitMs));
  return { subject: `${kind}:${key}`, waitMs: wait };
}

/** RESOURCE_EXHAUSTED: the same call is let through after `waitMs`, unless others of the same caller come first. */
export function rateLimited(limit: string, subject: string, waitMs: number): RpcError {
  return quotaExhausted(
    "RATE_LIMITED",
    subject,
    `too many calls of the class ${limit}`,
    { rate_class: limit },
    waitMs,
  );
}

function paceOf(
  method: Method,
  next: Handler,
  writes: ClassBuckets | undefined,
  unlimited: ReadonlySet<string>,
): Handler {
  const each = method.requestStream && method.policy.rate === RateClass.RATE_CLASS_STREAM;
  if (!each || writes === undefined) return next;
  return (call, input) => {
    if (call.principal !== undefined && unlimited.has(call.principal.userId)) return next(call, input);
    return next(call, paced(call, input, writes));
  };
}

async function* paced(call: Call, input: Input, writes: ClassBuckets): AsyncGenerator<Uint8Array> {
  for await (const message of streamInput(input)) {
    for (let short = await takeOne(writes, call); short !== undefined; short = await takeOne(writes, call)) {
      await sleep(call.environment.clock, short.waitMs, call.signal);
    }
    yield message;
  }
}
