// Forwards a method to a backend, bytes in and bytes out, whatever its kind. The caller's deadline and cancellation go with the call, a
// slow reader holds the backend back, and the backend's messages, status, details and trailers come back as they were sent.
import type { Vouch } from "#impl/auth/vouch.ts";
import { type Call, deadlineExceeded } from "#impl/runtime/call.ts";
import { type Handler, type Input, singleInput, streamInput } from "#impl/runtime/handler.ts";
import { ACCEPT_ENCODING_KEY, CompressedMessage, type Message } from "#impl/runtime/message.ts";
import type { Method } from "#impl/runtime/method.ts";
import { Compression } from "#impl/runtime/policy.ts";
import { Code } from "#impl/runtime/status.ts";
import type { ReceivedMessage } from "#wire/grpc-message.ts";
import type { RequestHead, UnaryRequest } from "#wire/prepared-request.ts";
import type { WireStream } from "#wire/streaming-call.ts";
import type { UnaryResult } from "#wire/unary-call.ts";
import type { Carrier } from "./backend-line.ts";
import { backendError, MAX_ATTEMPTS, neverSeen, wrongAnswer } from "./backend-status.ts";
import type { Backends } from "./backends.ts";
import { metadataFor } from "./caller-metadata.ts";

export function forward(method: Method, backends: Pick<Backends, "carrier">, vouch: Vouch): Handler {
  const forwarding = { method, backends, vouch, accepted: acceptedBy(method) };
  if (method.responseStream) return (call, input) => streamResponses(forwarding, call, input);
  if (method.requestStream) return (call, input) => singleResponse(forwarding, call, input);
  return (call, input) => unary(forwarding, call, singleInput(input));
}

interface Forwarding {
  readonly method: Method;
  readonly backends: Pick<Backends, "carrier">;
  readonly vouch: Vouch;
  readonly accepted: AcceptedEncodings;
}

type AcceptedEncodings = (call: Call) => typeof GZIP | undefined;

const GZIP = "gzip";

/** What the caller takes, for the backend to compress. Not for what is cached here, which is kept as one identity copy for all callers. */
function acceptedBy({ policy }: Method): AcceptedEncodings {
  if (policy.compression !== Compression.COMPRESSION_LARGE || policy.cache !== undefined) {
    return () => undefined;
  }
  return (call) => {
    const announced = call.metadata.get(ACCEPT_ENCODING_KEY);
    return announced?.split(",").some((name) => name.trim() === GZIP) === true ? GZIP : undefined;
  };
}

/** Longest timeout that gRPC can state in milliseconds. */
const MAX_TIMEOUT_MS = 99_999_999;

function requestHead(call: Call, vouch: Vouch, acceptEncodings: string | undefined): RequestHead {
  const { remainingMs } = call;
  if (remainingMs === 0) throw deadlineExceeded();
  return {
    path: call.method.path,
    metadata: metadataFor(call, vouch, acceptEncodings),
    ...(remainingMs <= MAX_TIMEOUT_MS ? { timeoutMs: remainingMs } : {}),
  };
}

async function unary(
  { method, backends, vouch, accepted }: Forwarding,
  call: Call,
  message: Uint8Array,
): Promise<Message> {
  const encoding = accepted(call);
  for (let attempt = 1; ; attempt++) {
    const carrier = await backends.carrier(method.service);
    if (call.finished) throw call.signal.reason;
    const result = await sendUnary(carrier, call, { ...requestHead(call, vouch, encoding), message });
    if (result.grpcStatus === 0) {
      const answer = toMessage(call, { bytes: result.message, compressed: result.compressed });
      if (answer instanceof CompressedMessage) call.responseEncoding = encoding;
      return answer;
    }
    if (!neverSeen(result) || attempt === MAX_ATTEMPTS) throw backendError(method.path, result);
  }
}

function sendUnary(carrier: Carrier, call: Call, request: UnaryRequest): Promise<UnaryResult> {
  const { connection } = carrier;
  const prepared = connection.prepare(request);
  return new Promise((resolve) => {
    const end = carrier.begin();
    const done = (result: UnaryResult): void => {
      end(endOf(call, result));
      resolve(result);
    };
    const id = connection.unary(prepared, done, true);
    call.onFinish(() => connection.cancel(id));
  });
}

/** What the end says of the backend: of a call that its caller ended, or whose time ran out here, as that ended. */
function endOf(call: Call, { grpcStatus }: { readonly grpcStatus: number }): Code {
  return call.status?.code ?? (grpcStatus as Code);
}

async function* streamResponses(
  { method, backends, vouch, accepted }: Forwarding,
  call: Call,
  input: Input,
): AsyncGenerator<Message> {
  const encoding = accepted(call);
  // Said before the first message, whichever of them are compressed.
  call.responseEncoding = encoding;
  for (let attempt = 1; ; attempt++) {
    const carrier = await backends.carrier(method.service);
    if (call.finished) throw call.signal.reason;
    const end = carrier.begin();
    let code: Code = Code.CANCELLED;
    try {
      const stream = await openStream(carrier, call, requestHead(call, vouch, encoding), input);
      let answered = false;
      for await (const message of stream.messages) {
        answered = true;
        yield toMessage(call, message);
      }
      const outcome = await stream.outcome;
      code = endOf(call, outcome);
      if (outcome.grpcStatus === 0) return;
      const again = !answered && !method.requestStream && neverSeen(outcome);
      if (!again || attempt === MAX_ATTEMPTS) throw backendError(method.path, outcome);
    } finally {
      end(code);
    }
  }
}

async function singleResponse(forwarding: Forwarding, call: Call, input: Input): Promise<Message> {
  let response: Message | undefined;
  for await (const message of streamResponses(forwarding, call, input)) {
    if (response !== undefined) throw wrongAnswer(call.method.path, "more than one response");
    response = message;
  }
  if (response === undefined) throw wrongAnswer(call.method.path, "no response");
  return response;
}

async function openStream(
  { connection }: Carrier,
  call: Call,
  head: RequestHead,
  input: Input,
): Promise<WireStream> {
  const stream = await connection.open(head, call.signal);
  call.onFinish(() => stream.cancel());
  if (input instanceof Uint8Array) {
    void stream.send(input);
    stream.end();
  } else {
    void sendAll(stream, call, streamInput(input));
  }
  return stream;
}

/** Never rejects: a request that cannot be read ends the call, which ends the stream. */
async function sendAll(stream: WireStream, call: Call, requests: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const message of requests) {
      if (!(await stream.send(message))) return;
    }
    stream.end();
  } catch (error) {
    call.fail(error);
  }
}

function toMessage(
  call: Call,
  { bytes, compressed }: Pick<ReceivedMessage, "bytes" | "compressed">,
): Message {
  if (bytes === undefined) throw wrongAnswer(call.method.path, "a message without bytes");
  return compressed ? new CompressedMessage(GZIP, bytes) : bytes;
}
