// Event streams that go on after a break: whoever opens one again with the last token it saw gets what follows (event.proto). Which streams
// those are is in the contract: request and response have a field resume_token.
import type { Method } from "#impl/runtime/method.ts";
import { Code } from "#impl/runtime/status.ts";
import { CallError } from "./call-error.ts";
import type { MethodWrapper, StreamMethod } from "./client.ts";
import { isBreak, Reopening, type ResumeEnvironment, type ResumeOptions } from "./reopening.ts";
import { hasSubscriptions, resumedSubscriptions } from "./resume-subscriptions.ts";

interface Resumable {
  readonly resumeToken: string;
}

const TOKEN_FIELD = "resume_token";
/** Trailing metadata in which a server that drains says where to go on. */
const TOKEN_TRAILER = "resume-token";

export function isResumable(method: Method): boolean {
  if (method.requestStream || !method.responseStream) return false;
  return [method.input, method.output].every(({ fields }) => fields.some(({ name }) => name === TOKEN_FIELD));
}

export function resuming(options: ResumeOptions, environment: ResumeEnvironment): MethodWrapper {
  return {
    promise: (_, call) => call,
    stream(method, call) {
      if (isResumable(method)) return resumed(method, call, options, environment);
      return hasSubscriptions(method) ? resumedSubscriptions(method, call, options, environment) : call;
    },
  };
}

function resumed(
  method: Method,
  open: StreamMethod,
  options: ResumeOptions,
  environment: ResumeEnvironment,
): StreamMethod {
  return async function* (request, callOptions = {}) {
    const reopening = new Reopening(method, callOptions, options, environment);
    let { resumeToken } = request as Resumable;
    for (;;) {
      let received = false;
      try {
        const stream = open({ ...(request as object), resumeToken }, reopening.callOptions);
        for await (const message of stream as AsyncIterable<Resumable>) {
          received = true;
          reopening.progress();
          if (message.resumeToken !== "") ({ resumeToken } = message);
          yield message;
        }
        return;
      } catch (error) {
        const next = continuation(error, received, resumeToken, options);
        if (next === undefined) throw error;
        await reopening.after(error);
        resumeToken = next;
      }
    }
  };
}

/** The token with which a stream that ended with `error` goes on; undefined when it does not. */
function continuation(
  error: unknown,
  received: boolean,
  token: string,
  options: ResumeOptions,
): string | undefined {
  if (isBreak(error)) {
    // Before the first message the reader has no token for where its stream began; the server may.
    const [where] = error.trailers.get(TOKEN_TRAILER);
    return !received && typeof where === "string" && where !== "" ? where : token;
  }
  if (!(error instanceof CallError) || error.code !== Code.OUT_OF_RANGE) return undefined;
  const snapshot = error.details.resumeExpired?.snapshotToken ?? "";
  return options.snapshotWhenExpired && snapshot !== "" ? snapshot : undefined;
}
