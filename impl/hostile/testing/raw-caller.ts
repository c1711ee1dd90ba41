// A caller that sends any bytes over TCP and reads the answer as HTTP/2: how the server ended one stream, or the whole connection.
import { connect } from "node:net";
import { FrameReader } from "#wire/frame-reader.ts";
import { CLIENT_PREFACE, errorCodeName, Flag, FrameType, uint32At } from "#wire/frames.ts";
import { HpackDecoder } from "#wire/hpack/decoder.ts";
import { type LocalSettings, SETTINGS_ACK, settingsFrame } from "#wire/settings.ts";

export interface RawCaller extends AsyncDisposable {
  say(...frames: readonly Uint8Array[]): void;
  /** Stops reading what the server sends. */
  pause(): void;
  resume(): void;
  /** Sends a FIN. */
  end(): void;
  /** Cuts the connection without a word. */
  cut(): void;
  /** Resolves with what has not been written yet written, or the connection gone. */
  flushed(): Promise<void>;
  /**
   * How stream 1 ended, or the connection before it: "status 12", "http 415", "reset PROTOCOL_ERROR", "goaway FRAME_SIZE_ERROR", "closed".
   * For another stream, its id.
   */
  outcome(streamId?: number): Promise<string>;
  readonly closed: Promise<void>;
}

/** How every well-behaved client begins. */
export function greeting(settings: LocalSettings = {}): Buffer {
  return Buffer.concat([CLIENT_PREFACE, settingsFrame(settings), SETTINGS_ACK]);
}

/** Largest frame that is read; the server may send no larger one unasked. */
const MAX_FRAME_BYTES = 16_384;

export async function rawCaller(port: number): Promise<RawCaller> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const outcomes = new Map<number, PromiseWithResolvers<string>>();
  const outcomeOf = (streamId: number): PromiseWithResolvers<string> => {
    const known = outcomes.get(streamId) ?? Promise.withResolvers<string>();
    outcomes.set(streamId, known);
    return known;
  };
  let connectionEnd: string | undefined;
  const endAll = (how: string): void => {
    connectionEnd ??= how;
    for (const { resolve } of outcomes.values()) resolve(connectionEnd);
  };
  const decoder = new HpackDecoder(4_096, 1024 * 1024);
  const reader = new FrameReader(MAX_FRAME_BYTES, (type, flags, streamId, bytes, start, end) => {
    if (type === FrameType.HEADERS) {
      const fields = new Map(
        decoder.decode(bytes, start, end).fields.map(({ name, value }) => [name, value]),
      );
      const status = fields.get("grpc-status");
      if (status !== undefined) outcomeOf(streamId).resolve(`status ${status}`);
      else if ((flags & Flag.END_STREAM) !== 0) outcomeOf(streamId).resolve(`http ${fields.get(":status")}`);
    } else if (type === FrameType.RST_STREAM) {
      outcomeOf(streamId).resolve(`reset ${errorCodeName(uint32At(bytes, start))}`);
    } else if (type === FrameType.GOAWAY) {
      const code = uint32At(bytes, start + 4);
      if (code !== 0) endAll(`goaway ${errorCodeName(code)}`);
    }
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("data", (chunk: Buffer) => reader.push(chunk, 0, chunk.length));
  socket.on("error", () => {});
  socket.on("close", () => endAll("closed"));
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  return {
    say: (...frames) => {
      socket.write(Buffer.concat(frames));
    },
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
    end: () => {
      socket.end();
    },
    cut: () => {
      socket.destroy();
    },
    flushed: () =>
      new Promise((resolve) => {
        if (socket.destroyed) resolve();
        else socket.write("", () => resolve());
      }),
    outcome(streamId = 1) {
      return connectionEnd === undefined || outcomes.has(streamId)
        ? outcomeOf(streamId).promise
        : Promise.resolve(connectionEnd);
    },
    closed,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed;
    },
  };
}
