/**
 * One HTTP/2 connection, role-neutral: reads frames, keeps windows, settings and header state, and hands
 * streams to their sinks. What a stream means, and when one may begin, is the role's.
 * Invariant: each stream's sink hears exactly one end, whatever the peer does; handling a frame never throws.
 */
import type { Duplex } from "node:stream";
import { BatchWriter } from "./batch-writer.ts";
import type { LocalEnd } from "./call-failure.ts";
import { demand } from "./control-frames.ts";
import { DataSender } from "./data-sender.ts";
import { ReceiveWindow } from "./flow-control.ts";
import { FrameDispatcher, type FrameListener } from "./frame-dispatcher.ts";
import {
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  FRAME_HEADER_BYTES,
  goawayFrame,
  pingFrame,
  rstStreamFrame,
  windowUpdateFrame,
} from "./frames.ts";
import { BlockCache } from "./hpack/block-cache.ts";
import { HpackDecoder } from "./hpack/decoder.ts";
import type { SessionLimits, SessionRole } from "./session-role.ts";
import {
  applySettings,
  defaultPeerSettings,
  type PeerSettings,
  SETTINGS_ACK,
  settingsFrame,
} from "./settings.ts";
import { Stream, type StreamSink } from "./stream.ts";
import { asConnectionError, ConnectionError, violation } from "./wire-error.ts";

/** Frames in a row that bring no stream forward (PING, SETTINGS, PRIORITY, empty DATA, unknown) before we leave. */
export const MAX_IDLE_FRAMES = 10_000;
/** Bytes the peer lets pile up unread, replies to its own frames included, before we leave. */
export const MAX_PENDING_WRITE_BYTES = 16_777_216;
const HEADER_TABLE_BYTES = 4_096;

export class Session<Head> {
  readonly peer: PeerSettings = defaultPeerSettings();
  readonly streams = new Map<number, Stream<Head>>();
  readonly writer: BatchWriter;
  readonly sender: DataSender<Head>;
  readonly blocks: BlockCache<Head>;
  /** The peer lowered HEADER_TABLE_SIZE: the next header block must begin with a table size update. */
  owesTableSizeUpdate = false;
  ended = false;
  bytesReceived = 0;
  readonly #role: SessionRole<Head>;
  readonly #limits: SessionLimits;
  readonly #dispatcher: FrameDispatcher;
  readonly #window: ReceiveWindow;
  #idleFrames = 0;
  #framesSentWhenIdle = 0;

  /** The caller writes the preface and SETTINGS through `writer`, then feeds `receive`. */
  constructor(socket: Duplex, role: SessionRole<Head>, limits: SessionLimits) {
    this.#role = role;
    this.#limits = limits;
    this.#window = new ReceiveWindow(limits.connectionWindowBytes);
    this.writer = new BatchWriter(socket, () => this.sender.pump());
    this.sender = new DataSender(this.writer, (stream) => this.#removeIfOver(stream));
    this.blocks = new BlockCache(
      new HpackDecoder(HEADER_TABLE_BYTES, limits.maxHeaderListBytes),
      role.interpret,
    );
    this.#dispatcher = new FrameDispatcher(
      this.#listener(),
      limits.maxFrameBytes,
      limits.maxHeaderBlockBytes,
    );
    socket.on("error", (error) => this.end(new ConnectionError("socket", 0, "socket failed", error)));
    socket.on("end", () => this.end(new ConnectionError("socket", 0, "closed by the peer")));
    socket.on("close", () => this.end(new ConnectionError("socket", 0, "socket closed")));
  }

  /** Our SETTINGS, and the larger connection window. */
  greet(): void {
    this.writer.append(settingsFrame({ enablePush: false, ...this.#limits }));
    const extra = this.#limits.connectionWindowBytes - DEFAULT_WINDOW_BYTES;
    if (extra > 0) this.writer.append(windowUpdateFrame(0, extra));
  }

  get framesReceived(): number {
    return this.#dispatcher.framesReceived;
  }

  /** Reads bytes[start, end) from the peer, which the caller may reuse afterwards. */
  receive(bytes: Buffer, start: number, end: number): void {
    if (this.ended) return;
    this.bytesReceived += end - start;
    this.writer.gather(() => {
      try {
        this.#dispatcher.push(bytes, start, end);
      } catch (thrown) {
        this.end(asConnectionError(thrown));
      }
    });
  }

  begin(id: number, sink: StreamSink<Head>): Stream<Head> {
    const stream = new Stream(id, sink, this.peer.initialWindowBytes, this.#limits.initialWindowBytes);
    this.streams.set(id, stream);
    return stream;
  }

  /** Bytes that a sink held on to and now gives back. */
  release(stream: Stream<Head>, bytes: number): void {
    const increment = stream.receiveWindow.release(bytes);
    if (increment > 0 && !stream.remoteEnded && this.streams.has(stream.id)) {
      this.writer.append(windowUpdateFrame(stream.id, increment));
    }
  }

  /** Sends RST_STREAM and forgets the stream; its sink is told nothing. */
  abort(stream: Stream<Head>, code: number): void {
    if (!this.streams.has(stream.id)) return;
    this.writer.append(rstStreamFrame(stream.id, code));
    this.#remove(stream);
  }

  /** Ends a stream from our side: RST_STREAM CANCEL, and its sink hears why. */
  abandon(stream: Stream<Head>, why: LocalEnd): void {
    this.abort(stream, ErrorCode.CANCEL);
    stream.sink.abandoned(why);
  }

  /** Ends a stream the peer said it will never act on: nothing is sent. */
  forget(stream: Stream<Head>): void {
    this.#remove(stream);
    stream.sink.abandoned("not-processed");
  }

  /** Ends the connection and every stream on it, once. Without an error: a friendly close. */
  end(error: ConnectionError | undefined): void {
    if (this.ended) return;
    this.ended = true;
    this.#dispatcher.stop();
    if (error === undefined || error.fault === "peer-violated" || error.fault === "internal") {
      const code = error?.code ?? ErrorCode.NO_ERROR;
      this.writer.append(goawayFrame(this.#role.lastPeerStreamId(), code, error?.message ?? ""));
    }
    this.writer.flush();
    const reason = error ?? new ConnectionError("socket", ErrorCode.NO_ERROR, "closed by us");
    const streams = [...this.streams.values()];
    this.streams.clear();
    for (const stream of streams) {
      this.sender.drop(stream);
      stream.sink.failed(reason);
    }
    this.writer.close();
    this.#role.ended(error);
  }

  #listener(): FrameListener {
    return {
      data: (id, last, bytes, start, end, size) => this.#onData(id, last, bytes, start, end, size),
      block: (id, last, bytes, start, end, size) => this.#onBlock(id, last, bytes, start, end, size),
      windowUpdate: (streamId, increment) => this.#onWindowUpdate(streamId, increment),
      reset: (streamId, code) => this.#onReset(streamId, code),
      settings: (bytes, start, end) => this.#onSettings(bytes, start, end),
      ping: (opaque) => {
        this.#idle();
        this.#reply(pingFrame(opaque, true));
      },
      goaway: (goaway) => this.#role.goaway(goaway),
      ignored: () => this.#idle(),
    };
  }

  #onBlock(
    streamId: number,
    endStream: boolean,
    bytes: Buffer,
    start: number,
    end: number,
    wireBytes: number,
  ): void {
    const head = this.blocks.read(bytes, start, end);
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      this.#role.headers(streamId, head, endStream);
      return;
    }
    if (stream.remoteEnded) {
      this.#refuse(stream, ErrorCode.STREAM_CLOSED);
      return;
    }
    this.#idleFrames = 0;
    stream.remoteEnded = endStream;
    this.#removeIfOver(stream);
    stream.sink.headers(head, endStream, wireBytes);
  }

  #onData(
    streamId: number,
    endStream: boolean,
    bytes: Buffer,
    start: number,
    end: number,
    wireBytes: number,
  ): void {
    this.#demandBegun(streamId, "DATA");
    demand(this.#window.take(wireBytes), ErrorCode.FLOW_CONTROL_ERROR, "connection window overrun");
    const increment = this.#window.release(wireBytes);
    if (increment > 0) this.writer.append(windowUpdateFrame(0, increment));
    if (start === end && !endStream) this.#idle();
    else this.#idleFrames = 0;
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    if (stream.remoteEnded || !stream.receiveWindow.take(wireBytes)) {
      this.#refuse(stream, stream.remoteEnded ? ErrorCode.STREAM_CLOSED : ErrorCode.FLOW_CONTROL_ERROR);
      return;
    }
    stream.remoteEnded = endStream;
    this.#removeIfOver(stream);
    const held = stream.sink.data(bytes, start, end, endStream, wireBytes + FRAME_HEADER_BYTES);
    if (held < wireBytes) this.release(stream, wireBytes - held);
  }

  #onWindowUpdate(streamId: number, increment: number): void {
    if (streamId === 0) {
      demand(increment > 0, ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of nothing");
      demand(this.sender.window.grow(increment), ErrorCode.FLOW_CONTROL_ERROR, "connection window overflow");
    } else {
      this.#demandBegun(streamId, "WINDOW_UPDATE");
      const stream = this.streams.get(streamId);
      if (stream === undefined) return;
      if (increment === 0 || !stream.sendWindow.grow(increment)) {
        this.#refuse(stream, increment === 0 ? ErrorCode.PROTOCOL_ERROR : ErrorCode.FLOW_CONTROL_ERROR);
        return;
      }
    }
    this.sender.pump();
  }

  #onReset(streamId: number, code: number): void {
    this.#demandBegun(streamId, "RST_STREAM");
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    this.#remove(stream);
    stream.sink.reset(code, false);
  }

  #onSettings(bytes: Buffer, start: number, end: number): void {
    this.#idle();
    const { initialWindowBytes, headerTableBytes } = this.peer;
    applySettings(this.peer, bytes, start, end);
    const growth = this.peer.initialWindowBytes - initialWindowBytes;
    for (const stream of this.streams.values()) {
      demand(
        stream.sendWindow.grow(growth),
        ErrorCode.FLOW_CONTROL_ERROR,
        "stream window overflow by SETTINGS",
      );
    }
    if (this.peer.headerTableBytes < headerTableBytes) this.owesTableSizeUpdate = true;
    this.#reply(SETTINGS_ACK);
    this.#role.settingsChanged();
    this.sender.pump();
  }

  #reply(frame: Buffer): void {
    const isRead = this.writer.pendingBytes < MAX_PENDING_WRITE_BYTES;
    demand(isRead, ErrorCode.ENHANCE_YOUR_CALM, "replies are not being read");
    this.writer.append(frame);
  }

  /** Counts a frame that moved nothing, unless data moved the other way since the last one. */
  #idle(): void {
    if (this.sender.framesSent !== this.#framesSentWhenIdle) this.#idleFrames = 0;
    this.#framesSentWhenIdle = this.sender.framesSent;
    const calm = ++this.#idleFrames <= MAX_IDLE_FRAMES;
    demand(calm, ErrorCode.ENHANCE_YOUR_CALM, `over ${MAX_IDLE_FRAMES} frames without progress`);
  }

  #demandBegun(streamId: number, what: string): void {
    if (this.streams.has(streamId) || !this.#role.isIdle(streamId)) return;
    throw violation(ErrorCode.PROTOCOL_ERROR, `${what} on stream ${streamId}, which was never begun`);
  }

  /** The peer broke the protocol on one stream: that stream ends, the connection goes on. */
  #refuse(stream: Stream<Head>, code: number): void {
    this.abort(stream, code);
    stream.sink.reset(code, true);
  }

  #removeIfOver(stream: Stream<Head>): void {
    if (stream.localEnded && stream.remoteEnded) this.#remove(stream);
  }

  #remove(stream: Stream<Head>): void {
    if (!this.streams.delete(stream.id)) return;
    this.sender.drop(stream);
    this.#role.streamRemoved(stream.id);
  }
}
