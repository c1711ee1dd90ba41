// Runs a composed handler for one call and carries its output to the transport. Knows no transport: that is a Sink.
import type { Call } from "./call.ts";
import { type Handler, type Input, isPromise, isStream, type Output } from "./handler.ts";
import type { Message } from "./message.ts";
import { SendWindow } from "./send-window.ts";
import { OK } from "./status.ts";

export interface Sink {
  /** Sends one message; `sent` is called when flow control has let it go. */
  send(message: Message, sent: () => void): void;
}

/** Bytes that one response stream may have waiting for its reader before the producer is made to wait. */
export const DEFAULT_SEND_WINDOW_BYTES = 64 * 1024;

/** What a waiting message costs beside its payload. Without it, a producer of empty messages would never be made to wait. */
const MESSAGE_OVERHEAD_BYTES = 128;

const ignore = (): void => {};

export function dispatch(
  handler: Handler,
  call: Call,
  input: Input,
  sink: Sink,
  windowBytes = DEFAULT_SEND_WINDOW_BYTES,
): void {
  let output: Output;
  try {
    output = handler(call, input);
  } catch (error) {
    call.fail(error);
    return;
  }
  if (isPromise(output)) {
    output.then(
      (message) => reply(call, message, sink),
      (error) => call.fail(error),
    );
  } else if (isStream<Message>(output)) {
    void pump(call, output, sink, new SendWindow(windowBytes));
  } else {
    reply(call, output, sink);
  }
}

/** Never throws: it also runs where nobody would hear of it. */
function reply(call: Call, message: Message, sink: Sink): void {
  if (call.finished) return;
  try {
    call.sentBytes += message.byteLength;
    sink.send(message, ignore);
    call.finish(OK);
  } catch (error) {
    call.fail(error);
  }
}

/** Never rejects: every outcome of the producer ends the call. */
async function pump(
  call: Call,
  messages: AsyncIterable<Message>,
  sink: Sink,
  window: SendWindow,
): Promise<void> {
  call.onFinish(() => window.close());
  try {
    for await (const message of messages) {
      if (call.finished) return;
      const bytes = message.byteLength + MESSAGE_OVERHEAD_BYTES;
      call.sentBytes += message.byteLength;
      window.add(bytes);
      sink.send(message, () => window.remove(bytes));
      if (call.nextResumeToken !== undefined) call.resumeToken = call.nextResumeToken;
      if (window.full) await window.space();
      if (call.finished) return;
    }
    call.finish(OK);
  } catch (error) {
    call.fail(error);
  }
}
