// Calls any method with bytes, and tells how it ended: for tests that take methods from the descriptors and know none of them.
import { type Client, Metadata, type ServiceError } from "@grpc/grpc-js";
import { CallError } from "../client/call-error.ts";
import { systemClock } from "../runtime/clock.ts";
import { codeName } from "../runtime/status.ts";

export interface ByteMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

export interface Outcome {
  /** Such as "OK" or "NOT_FOUND". */
  readonly code: string;
  /** ErrorInfo.reason; empty when it went well. */
  readonly reason: string;
  /** The status as its caller has it: text, details and trailers. */
  readonly error: CallError | undefined;
}

const same = (bytes: Buffer): Buffer => bytes;
const DEADLINE_MS = 5_000;

/** Sends one message. The first message of a response stream ends the call, as OK. */
export function callBytes(
  channel: Client,
  { path, requestStream, responseStream }: ByteMethod,
  request: Uint8Array,
  metadata: Readonly<Record<string, string>> = {},
  { deadlineMs = DEADLINE_MS }: { readonly deadlineMs?: number } = {},
): Promise<Outcome> {
  const headers = new Metadata();
  for (const [key, value] of Object.entries(metadata)) headers.set(key, value);
  const options = { deadline: systemClock.now() + deadlineMs };
  const bytes = Buffer.from(request);
  return new Promise((resolve) => {
    const settle = (error: ServiceError | null): void => {
      if (error === null) resolve({ code: "OK", reason: "", error: undefined });
      else resolve(outcomeOf(new CallError(path, error)));
    };
    if (!responseStream) {
      if (!requestStream) channel.makeUnaryRequest(path, same, same, bytes, headers, options, settle);
      else channel.makeClientStreamRequest(path, same, same, headers, options, settle).end(bytes);
      return;
    }
    const open = () => {
      if (!requestStream) return channel.makeServerStreamRequest(path, same, same, bytes, headers, options);
      const chat = channel.makeBidiStreamRequest(path, same, same, headers, options);
      chat.end(bytes);
      return chat;
    };
    const call = open();
    call.on("error", settle);
    call.on("end", () => settle(null));
    call.on("data", () => {
      settle(null);
      call.cancel();
    });
  });
}

function outcomeOf(error: CallError): Outcome {
  return { code: codeName(error.code), reason: error.reason, error };
}
