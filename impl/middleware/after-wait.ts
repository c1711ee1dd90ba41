// Goes on with a call when something has settled, in the shape that the method's output has.
import type { Call } from "#impl/runtime/call.ts";
import { type Handler, type Input, isStream, type Output } from "#impl/runtime/handler.ts";
import type { Message } from "#impl/runtime/message.ts";
import type { Method } from "#impl/runtime/method.ts";

/** Calls `next` when `ready` has resolved; a call that has ended meanwhile has no effect any more. */
export type AfterWait = (ready: Promise<unknown>, call: Call, input: Input) => Output;

export function afterWait(method: Method, next: Handler): AfterWait {
  if (method.responseStream) {
    return async function* streamed(ready, call, input): AsyncGenerator<Message> {
      await ready;
      if (call.finished) throw call.signal.reason;
      yield* next(call, input) as AsyncIterable<Message>;
    };
  }
  return async (ready, call, input): Promise<Message> => {
    await ready;
    if (call.finished) throw call.signal.reason;
    const output = await next(call, input);
    if (isStream(output)) throw new Error(`${method.path} gave a stream where one message was due`);
    return output;
  };
}
