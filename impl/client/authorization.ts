// The caller's token on every call, and another when the server does not take it any more: once a call. A call that was refused as
// UNAUTHENTICATED has not run, so it may be made again whatever its policy; but a stream of requests cannot be read twice.
import type { Clock } from "#impl/runtime/clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { CallError } from "./call-error.ts";
import type { CallOptions, MethodWrapper } from "./client.ts";
import { overallDeadline } from "./overall-deadline.ts";

/** Gives an access token. `rejected` is one that a server has just refused: another is wanted. */
export type TokenProvider = (rejected?: string) => string | Promise<string>;

const AUTHORIZATION = "authorization";

export function authorization(provider: TokenProvider, clock: Clock): MethodWrapper {
  const renew = sharedRenewal(provider);
  return {
    promise(method, call) {
      return async (request, options = {}) => {
        const within = overallDeadline(method, options, clock);
        const token = await provider();
        try {
          return await call(request, withToken(within(), token));
        } catch (error) {
          if (method.requestStream || !isUnauthenticated(error)) throw error;
          const renewed = await renew(token);
          if (renewed === token) throw error;
          return await call(request, withToken(within(), renewed));
        }
      };
    },
    stream(method, call) {
      return async function* (request, options = {}) {
        const within = overallDeadline(method, options, clock);
        const token = await provider();
        let answered = false;
        try {
          for await (const message of call(request, withToken(within(), token))) {
            answered = true;
            yield message;
          }
          return;
        } catch (error) {
          if (answered || method.requestStream || !isUnauthenticated(error)) throw error;
          const renewed = await renew(token);
          if (renewed === token) throw error;
          yield* call(request, withToken(within(), renewed));
        }
      };
    },
  };
}

function withToken(options: CallOptions, token: string): CallOptions {
  return { ...options, metadata: { [AUTHORIZATION]: `Bearer ${token}`, ...options.metadata } };
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof CallError && error.code === Code.UNAUTHENTICATED;
}

/** Many calls are refused at once when a token expires: one renewal serves them all. */
function sharedRenewal(provider: TokenProvider): (rejected: string) => Promise<string> {
  const running = new Map<string, Promise<string>>();
  return (rejected) => {
    const known = running.get(rejected);
    if (known !== undefined) return known;
    const renewal = Promise.resolve(provider(rejected)).finally(() => running.delete(rejected));
    running.set(rejected, renewal);
    return renewal;
  };
}
