// An event stream of texts on a server of its own, called over the wire: the request is the resume token, a message is JSON.
import { CallError } from "#impl/client/call-error.ts";
import { type EchoOptions, startEcho } from "#impl/client/testing/echo.ts";
import type { Call } from "#impl/runtime/call.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { textOf } from "#impl/storage/testing/event-writing.ts";
import { type EventStreamOptions, eventStream } from "../event-stream.ts";
import { createPageTokens } from "../page-token.ts";

export interface TextMessage {
  readonly text?: string | undefined;
  readonly snapshot?: string;
  readonly heartbeat?: number;
  resumeToken: string;
}

export interface TextStream {
  next(): Promise<TextMessage>;
  /** The texts of the next messages. */
  texts(count: number): Promise<(string | undefined)[]>;
  /** How it ended; undefined is OK. Fails when another message comes. */
  end(): Promise<CallError | undefined>;
  cancel(): void;
  readonly call: Call;
}

export const textTokens = createPageTokens({ key: new Uint8Array(32).fill(7), clock: systemClock });

const methods = { stream: { responseStream: true } } as const;

export async function serveTexts(
  log: EventLog,
  changes: Partial<EventStreamOptions<TextMessage>> = {},
  options: EchoOptions = {},
) {
  const calls: Call[] = [];
  const stream = async function* (resumeToken: string, call: Call): AsyncGenerator<string> {
    calls.push(call);
    const messages = eventStream<TextMessage>({
      log,
      tokens: textTokens,
      call,
      purpose: "test.1",
      boundTo: "",
      resumeToken,
      start: "now",
      update: (event) => ({ text: textOf(event), resumeToken: "" }),
      heartbeat: (time) => ({ heartbeat: time.getTime(), resumeToken: "" }),
      ...changes,
    });
    for await (const message of messages) yield JSON.stringify(message);
  };
  const echo = await startEcho(methods, { stream }, options);

  /** Resolves when it has begun: what is written now is part of it. */
  const open = async (token = ""): Promise<TextStream> => {
    const place = calls.length;
    const abort = new AbortController();
    const responses = echo.client.stream(token, { signal: abort.signal });
    const messages = responses[Symbol.asyncIterator]();
    await until(() => calls[place]?.resumeToken !== undefined || calls[place]?.finished === true);
    const call = calls[place];
    if (call === undefined) throw new Error("the call did not arrive");
    const next = async (): Promise<TextMessage> => {
      const { value, done } = await messages.next();
      if (done === true) throw new Error("the stream ended");
      return JSON.parse(value);
    };
    return {
      call,
      next,
      async texts(count) {
        const texts: (string | undefined)[] = [];
        while (texts.length < count) texts.push((await next()).text);
        return texts;
      },
      async end() {
        const result = await messages.next().catch((error: unknown) => error);
        if (result instanceof CallError) return result;
        if (typeof result === "object" && result !== null && Reflect.get(result, "done") === true)
          return undefined;
        throw new Error("the stream has not ended", { cause: result });
      },
      cancel: () => abort.abort(),
    };
  };
  return { ...echo, open, [Symbol.asyncDispose]: echo[Symbol.asyncDispose] };
}
