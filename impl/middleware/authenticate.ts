// Finds out who calls from `authorization: Bearer <access token>`. Without credentials the call is anonymous; wrong ones end it. What a
// caller may do is not decided here.
import type { VerifyToken } from "#impl/auth/access-token.ts";
import type { Call } from "#impl/runtime/call.ts";
import { type Handler, type Input, isStream, type Link } from "#impl/runtime/handler.ts";
import type { Message } from "#impl/runtime/message.ts";
import type { Principal } from "#impl/runtime/principal.ts";
import { unauthenticated } from "#impl/runtime/rpc-error.ts";

const SCHEME = "bearer ";

export function authenticate(verify: VerifyToken): Link {
  return (method, next) => {
    const whenVerified = method.responseStream ? streamed : single;
    return (call, input) => {
      const credentials = call.metadata.get("authorization");
      if (credentials === undefined) return next(call, input);
      if (!credentials.slice(0, SCHEME.length).toLowerCase().startsWith(SCHEME)) {
        throw unauthenticated("CREDENTIALS_UNKNOWN", 'the scheme of "authorization" is not Bearer');
      }
      const principal = verify(credentials.slice(SCHEME.length));
      if (principal instanceof Promise) return whenVerified(principal, next, call, input);
      call.principal = principal;
      return next(call, input);
    };
  };
}

async function single(
  principal: Promise<Principal>,
  next: Handler,
  call: Call,
  input: Input,
): Promise<Message> {
  call.principal = await principal;
  // Who has gone meanwhile shall have no effect any more.
  if (call.finished) throw call.signal.reason;
  const output = await next(call, input);
  if (isStream(output)) throw new Error(`${call.method.path} gave a stream where one message was due`);
  return output;
}

async function* streamed(
  principal: Promise<Principal>,
  next: Handler,
  call: Call,
  input: Input,
): AsyncGenerator<Message> {
  call.principal = await principal;
  if (call.finished) throw call.signal.reason;
  yield* next(call, input) as AsyncIterable<Message>;
}
