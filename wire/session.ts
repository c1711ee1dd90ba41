/**
 * One HTTP/2 connection, role-neutral: reads frames, keeps windows, settings and header state, and hands
 * streams to their sinks. What a stream means, and when one may begin, is the role's.
 * Invariant: each stream's sink hears exactly one end, whatever the peer does; handling a frame never throws.
 */
import type { Duplex } from "node:stream";
import { BatchWriter } from "./batch-writer.ts";
import type { LocalEnd } from "./call-failure.ts";
import {
  checkPriority,
  demand,
  readGoaway,
  readPing,
  readReset,
  readWindowUpdate,
} from "./control-frames.ts";
import { DataSender } from "./data-sender.ts";
import { ReceiveWindow } from "./flow-control.ts";
import { FrameReader } from "./frame-reader.ts";
import {
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  Flag,
  FRAME_HEADER_BYTES,
  FrameType,
  goawayFrame,
  pingFrame,
  rstStreamFrame,
  uint31At,
  uint32At,
  windowUpdateFrame,
} from "./frames.ts";
import { HeaderAssembler, paddingBytes } from "./header-assembler.ts";
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
  framesReceived = 0;
  readonly #socket: Duplex;
  readonly #role: SessionRole<Head>;
  readonly #limits: SessionLimits;
  readonly #reader: FrameReader;
  readonly #assembler: HeaderAssembler;
  readonly #window: ReceiveWindow;
  #settingsSeen = false;
  #idleFrames = 0;
  #blockBytes = 0;

  /** The caller writes the preface and SETTINGS through `writer`, then feeds `receive`. */
  constructor(socket: Duplex, role: SessionRole<Head>, limits: SessionLimits) {
    this.#socket = socket;
    this.#role = role;
    this.#limits = limits;
    this.#window = new ReceiveWindow(limits.connectionWindowBytes);
    this.writer = new BatchWriter(socket, () => this.sender.pump());
    this.sender = new DataSender(this.writer, (stream) => this.#localEnded(stream));
    this.blocks = new BlockCache(
      new HpackDecoder(HEADER_TABLE_BYTES, limits.maxHeaderListBytes),
      role.interpret,
    );
    this.#assembler = new HeaderAssembler(limits.maxHeaderBlockBytes, this.#onBlock);
    this.#reader = new FrameReader(limits.maxFrameBytes, this.#onFrame);
    socket.on("error", (error) => this.end(new ConnectionError("socket", 0, "socket failed", error)));
    socket.on("end", () => this.end(new ConnectionError("socket", 0, "closed by the peer")));
    socket.on("close", () => this.end(new ConnectionError("socket", 0, "socket closed")));
  }

  /** Our SETTINGS, and the larger connection window. */
  greet(): void {
    const { initialWindowBytes, maxFrameBytes, maxHeaderListBytes, connectionWindowBytes } = this.#limits;
    this.writer.append(
      settingsFrame({ enablePush: false, initialWindowBytes, maxFrameBytes, maxHeaderListBytes }),
    );
    const extra = connectionWindowBytes - DEFAULT_WINDOW_BYTES;
    if (extra > 0) this.writer.append(windowUpdateFrame(0, extra));
  }

  /** Reads bytes[start, end) from the peer, which the caller may reuse afterwards. */
  receive(bytes: Buffer, start: number, end: number): void {
    if (this.ended) return;
    this.bytesReceived += end - start;
    this.writer.gather(() => {
      try {
        this.#reader.push(bytes, start, end);
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
    if (error === undefined || error.fault === "peer-violated") {
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
    this.#closeSocket();
    this.#role.ended(error);
  }

  /** GOAWAY is a courtesy: it leaves if the system takes it now, and a deaf peer cannot delay the close. */
  #closeSocket(): void {
    this.#socket.end();
    if (this.#socket.writableFinished || this.#socket.writableLength > 0) this.#socket.destroy();
    else this.#socket.once("finish", () => this.#socket.destroy());
  }

  readonly #onFrame = (
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void => {
    if (this.ended) return;
    this.framesReceived++;
    if (this.#assembler.openStreamId !== 0 && type !== FrameType.CONTINUATION) {
      throw violation(ErrorCode.PROTOCOL_ERROR, "header block interrupted");
    }
    if (!this.#settingsSeen && (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)) {
      throw violation(ErrorCode.PROTOCOL_ERROR, "first frame is not SETTINGS");
    }
    switch (type) {
      case FrameType.DATA:
        this.#onData(flags, streamId, bytes, start, end);
        break;
      case FrameType.HEADERS:
        demand(streamId !== 0, ErrorCode.PROTOCOL_ERROR, "HEADERS on stream 0");
        this.#blockBytes = end - start + FRAME_HEADER_BYTES;
        this.#assembler.headers(flags, streamId, bytes, start, end);
        break;
      case FrameType.CONTINUATION:
        this.#blockBytes += end - start + FRAME_HEADER_BYTES;
        this.#assembler.continuation(flags, streamId, bytes, start, end);
        break;
      case FrameType.WINDOW_UPDATE:
        this.#onWindowUpdate(streamId, bytes, start, end);
        break;
      case FrameType.RST_STREAM:
        this.#onReset(streamId, readReset(streamId, bytes, start, end));
        break;
      case FrameType.SETTINGS:
        this.#onSettings(flags, streamId, bytes, start, end);
        break;
      case FrameType.PING:
        this.#onPing(flags, readPing(streamId, bytes, start, end));
        break;
      case FrameType.GOAWAY:
        this.#role.goaway(readGoaway(streamId, bytes, start, end));
        break;
      case FrameType.PUSH_PROMISE:
        throw violation(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE, which is disabled");
      case FrameType.PRIORITY:
        checkPriority(streamId, start, end);
        this.#idle();
        break;
      default: // Unknown frames must be ignored.
        this.#idle();
    }
  };

  readonly #onBlock = (
    streamId: number,
    endStream: boolean,
    bytes: Buffer,
    start: number,
    end: number,
  ): void => {
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
    if (endStream) this.#remoteEnded(stream);
    stream.sink.headers(head, endStream, this.#blockBytes);
  };

  #onData(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const size = end - start;
    this.#expectBegun(streamId, "DATA");
    demand(this.#window.take(size), ErrorCode.FLOW_CONTROL_ERROR, "connection window overrun");
    const increment = this.#window.release(size);
    if (increment > 0) this.writer.append(windowUpdateFrame(0, increment));
    const endStream = (flags & Flag.END_STREAM) !== 0;
    const padding = paddingBytes(flags, bytes, start, end);
    const from = (flags & Flag.PADDED) === 0 ? start : start + 1;
    const stream = this.streams.get(streamId);
    if (stream === undefined || (end - padding === from && !endStream)) this.#idle();
    else this.#idleFrames = 0;
    if (stream === undefined) return;
    if (stream.remoteEnded) {
      this.#refuse(stream, ErrorCode.STREAM_CLOSED);
      return;
    }
    if (!stream.receiveWindow.take(size)) {
      this.#refuse(stream, ErrorCode.FLOW_CONTROL_ERROR);
      return;
    }
    if (endStream) this.#remoteEnded(stream);
    const held = stream.sink.data(bytes, from, end - padding, endStream, size + FRAME_HEADER_BYTES);
    if (held < size) this.release(stream, size - held);
  }

  #onWindowUpdate(streamId: number, bytes: Buffer, start: number, end: number): void {
    const increment = readWindowUpdate(bytes, start, end);
    if (streamId === 0) {
      demand(increment > 0, ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of nothing");
      demand(this.sender.window.grow(increment), ErrorCode.FLOW_CONTROL_ERROR, "connection window overflow");
    } else {
      this.#expectBegun(streamId, "WINDOW_UPDATE");
      const stream = this.streams.get(streamId);
      if (stream === undefined) return;
      if (increment === 0) {
        this.#refuse(stream, ErrorCode.PROTOCOL_ERROR);
        return;
      }
      if (!stream.sendWindow.grow(increment)) {
        this.#refuse(stream, ErrorCode.FLOW_CONTROL_ERROR);
        return;
      }
    }
    this.sender.pump();
  }

  #onReset(streamId: number, code: number): void {
    this.#expectBegun(streamId, "RST_STREAM");
    const stream = this.streams.get(streamId);
    if (stream === undefined) this.#idle();
    else {
      this.#remove(stream);
      stream.sink.reset(code, false);
    }
  }

  #onSettings(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    demand(streamId === 0, ErrorCode.PROTOCOL_ERROR, "SETTINGS on a stream");
    this.#idle();
    if ((flags & Flag.ACK) !== 0) {
      demand(end === start, ErrorCode.FRAME_SIZE_ERROR, "SETTINGS ACK with a payload");
      return;
    }
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
    this.#settingsSeen = true;
    this.#reply(SETTINGS_ACK);
    this.#role.settingsChanged();
    this.sender.pump();
  }

  #onPing(flags: number, opaque: Buffer): void {
    this.#idle();
    if ((flags & Flag.ACK) === 0) this.#reply(pingFrame(opaque, true));
  }

  #reply(frame: Buffer): void {
    const calm = this.writer.pendingBytes < MAX_PENDING_WRITE_BYTES;
    demand(calm, ErrorCode.ENHANCE_YOUR_CALM, "replies are not being read");
    this.writer.append(frame);
  }

  #idle(): void {
    const calm = ++this.#idleFrames <= MAX_IDLE_FRAMES;
    demand(calm, ErrorCode.ENHANCE_YOUR_CALM, `over ${MAX_IDLE_FRAMES} frames without progress`);
  }

  #expectBegun(streamId: number, what: string): void {
    if (streamId !== 0 && (this.streams.has(streamId) || !this.#role.isIdle(streamId))) return;
    throw violation(ErrorCode.PROTOCOL_ERROR, `${what} on stream ${streamId}, which was never begun`);
  }

  /** The peer broke the protocol on one stream: that stream ends, the connection goes on. */
  #refuse(stream: Stream<Head>, code: number): void {
    this.abort(stream, code);
    stream.sink.reset(code, true);
  }

  #localEnded(stream: Stream<Head>): void {
    stream.localEnded = true;
    if (stream.remoteEnded) this.#remove(stream);
  }

  #remoteEnded(stream: Stream<Head>): void {
    stream.remoteEnded = true;
    if (stream.localEnded) this.#remove(stream);
  }

  #remove(stream: Stream<Head>): void {
    if (!this.streams.delete(stream.id)) return;
    this.sender.drop(stream);
    this.#role.streamRemoved(stream.id);
  }
}
