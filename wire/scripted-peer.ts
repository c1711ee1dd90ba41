/** A server for tests that says exactly the bytes it is told to, and shows the frames it was sent. Nothing is answered unasked. */
import { createServer, type Socket } from "node:net";
import { FrameReader } from "./frame-reader.ts";
import { CLIENT_PREFACE, Flag, FrameType, frame } from "./frames.ts";
import { encodeMessage } from "./grpc-message.ts";
import { encodeHeaders } from "./hpack/encoder.ts";
import { type LocalSettings, SETTINGS_ACK, settingsFrame } from "./settings.ts";

export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export interface ScriptedPeer extends AsyncDisposable {
  readonly port: number;
  /** Every frame so far. */
  readonly seen: readonly SeenFrame[];
  /** The first frame, past or to come, that matches. */
  frame(matches: (frame: SeenFrame) => boolean): Promise<SeenFrame>;
  say(...frames: Buffer[]): void;
  /** Closes without a word. */
  hangUp(): void;
  /** Resolves when the client has closed its side. */
  readonly clientGone: Promise<void>;
}

/** Accepts one connection and greets it with these settings, or with nothing if `silent`. */
export async function scriptPeer(settings: LocalSettings = {}, silent = false): Promise<ScriptedPeer> {
  const seen: SeenFrame[] = [];
  const waiting = new Set<{ matches: (frame: SeenFrame) => boolean; found: (frame: SeenFrame) => void }>();
  const gone = Promise.withResolvers<void>();
  let client: Socket | undefined;
  const server = createServer((socket) => {
    client = socket;
    let preface = CLIENT_PREFACE.length;
    const reader = new FrameReader(16_384, (type, flags, streamId, bytes, start, end) => {
      const frame = { type, flags, streamId, payload: Buffer.from(bytes.subarray(start, end)) };
      seen.push(frame);
      for (const waiter of waiting) {
        if (waiter.matches(frame)) {
          waiting.delete(waiter);
          waiter.found(frame);
        }
      }
    });
    if (!silent) socket.write(Buffer.concat([settingsFrame(settings), SETTINGS_ACK]));
    socket.on("data", (chunk: Buffer) => {
      const skip = Math.min(preface, chunk.length);
      preface -= skip;
      reader.push(chunk, skip, chunk.length);
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => gone.resolve());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    seen,
    frame: (matches) =>
      new Promise((found) => {
        const past = seen.find(matches);
        if (past === undefined) waiting.add({ matches, found });
        else found(past);
      }),
    say: (...frames) => client?.write(Buffer.concat(frames)),
    hangUp: () => client?.destroy(),
    clientGone: gone.promise,
    [Symbol.asyncDispose]: async () => {
      client?.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function headersFrame(streamId: number, fields: Record<string, string>, endStream = false): Buffer {
  const block = encodeHeaders(Object.entries(fields).map(([name, value]) => ({ name, value })));
  return frame(FrameType.HEADERS, Flag.END_HEADERS | (endStream ? Flag.END_STREAM : 0), streamId, block);
}

export const RESPONSE_HEAD = { ":status": "200", "content-type": "application/grpc" };

/** A whole response of status OK. */
export function okResponse(streamId: number, message = "ok"): Buffer {
  return Buffer.concat([
    headersFrame(streamId, RESPONSE_HEAD),
    frame(FrameType.DATA, 0, streamId, encodeMessage(Buffer.from(message), false)),
    headersFrame(streamId, { "grpc-status": "0" }, true),
  ]);
}

export const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

export const data = (streamId: number, payload: Buffer, flags = 0): Buffer =>
  frame(FrameType.DATA, flags, streamId, payload);

/** Matches the frame with which the client half-closes a stream. */
export const requestEnded =
  (streamId: number) =>
  (seen: SeenFrame): boolean =>
    seen.type === FrameType.DATA && (seen.flags & Flag.END_STREAM) !== 0 && seen.streamId === streamId;
