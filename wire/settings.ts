/** SETTINGS frames (RFC 9113, 6.5): reading a peer's with every range checked, and writing ours. */
import {
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  Flag,
  FrameType,
  frame,
  LARGEST_MAX_FRAME_BYTES,
  LARGEST_WINDOW_BYTES,
  uint32At,
} from "./frames.ts";
import { violation } from "./wire-error.ts";

const ENTRY_BYTES = 6;

const SettingId = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/** What a peer wants of us. Starts as the protocol's defaults, changed in place by each SETTINGS frame. */
export interface PeerSettings {
  headerTableBytes: number;
  /** Infinity until the peer names one. */
  maxConcurrentStreams: number;
  initialWindowBytes: number;
  maxFrameBytes: number;
  /** Advisory; Infinity until the peer names one. */
  maxHeaderListBytes: number;
}

export function defaultPeerSettings(): PeerSettings {
  return {
    headerTableBytes: 4_096,
    maxConcurrentStreams: Number.POSITIVE_INFINITY,
    initialWindowBytes: DEFAULT_WINDOW_BYTES,
    maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
    maxHeaderListBytes: Number.POSITIVE_INFINITY,
  };
}

/** Applies the payload in [start, end). Throws ConnectionError where the RFC demands one. */
export function applySettings(settings: PeerSettings, bytes: Buffer, start: number, end: number): void {
  if ((end - start) % ENTRY_BYTES !== 0) {
    throw violation(ErrorCode.FRAME_SIZE_ERROR, `SETTINGS of ${end - start} bytes`);
  }
  for (let at = start; at < end; at += ENTRY_BYTES) {
    applyOne(settings, (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0), uint32At(bytes, at + 2));
  }
}

function applyOne(settings: PeerSettings, id: number, value: number): void {
  switch (id) {
    case SettingId.HEADER_TABLE_SIZE:
      settings.headerTableBytes = value;
      return;
    case SettingId.ENABLE_PUSH:
      if (value > 1) throw violation(ErrorCode.PROTOCOL_ERROR, `ENABLE_PUSH ${value}`);
      return;
    case SettingId.MAX_CONCURRENT_STREAMS:
      settings.maxConcurrentStreams = value;
      return;
    case SettingId.INITIAL_WINDOW_SIZE:
      if (value > LARGEST_WINDOW_BYTES) {
        throw violation(ErrorCode.FLOW_CONTROL_ERROR, `INITIAL_WINDOW_SIZE ${value}`);
      }
      settings.initialWindowBytes = value;
      return;
    case SettingId.MAX_FRAME_SIZE:
      if (value < DEFAULT_MAX_FRAME_BYTES || value > LARGEST_MAX_FRAME_BYTES) {
        throw violation(ErrorCode.PROTOCOL_ERROR, `MAX_FRAME_SIZE ${value}`);
      }
      settings.maxFrameBytes = value;
      return;
    case SettingId.MAX_HEADER_LIST_SIZE:
      settings.maxHeaderListBytes = value;
      return;
    default: // Unknown settings must be ignored.
  }
}

/** What we ask of a peer; a field left out is not sent, so the protocol's default holds. */
export interface LocalSettings {
  readonly enablePush?: boolean;
  readonly maxConcurrentStreams?: number;
  readonly initialWindowBytes?: number;
  readonly maxFrameBytes?: number;
  readonly maxHeaderListBytes?: number;
}

export function settingsFrame(settings: LocalSettings): Buffer {
  const entries: [number, number | undefined][] = [
    [SettingId.ENABLE_PUSH, settings.enablePush === undefined ? undefined : Number(settings.enablePush)],
    [SettingId.MAX_CONCURRENT_STREAMS, settings.maxConcurrentStreams],
    [SettingId.INITIAL_WINDOW_SIZE, settings.initialWindowBytes],
    [SettingId.MAX_FRAME_SIZE, settings.maxFrameBytes],
    [SettingId.MAX_HEADER_LIST_SIZE, settings.maxHeaderListBytes],
  ];
  const given = entries.flatMap(([id, value]) => (value === undefined ? [] : [{ id, value }]));
  const payload = Buffer.allocUnsafe(given.length * ENTRY_BYTES);
  for (const [position, { id, value }] of given.entries()) {
    payload.writeUInt16BE(id, position * ENTRY_BYTES);
    payload.writeUInt32BE(value, position * ENTRY_BYTES + 2);
  }
  return frame(FrameType.SETTINGS, 0, 0, payload);
}

export const SETTINGS_ACK: Buffer = frame(FrameType.SETTINGS, Flag.ACK, 0, Buffer.alloc(0));
