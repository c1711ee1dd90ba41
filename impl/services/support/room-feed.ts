// What one stream hears of a room: what was said since the start, then what is said, in the order of the room and each once. The sequence
// decides what comes next: a message that is known is left out, and before one that is ahead the missing ones are read.
import type { EventLog, SubscribeOptions } from "#impl/storage/events/event-log.ts";
import type {
  ChatMessage,
  ChatWithSupportResponse,
  ReadChanged,
  Room as RoomMessage,
} from "#proto/ecommerce/v1/support.ts";
import { etagOf } from "../shared/etag.ts";
import type { ChatOutbox } from "./chat-outbox.ts";
import { type RoomEvent, roomEventOf, roomKey } from "./room-event.ts";
import type { RoomReads } from "./room-reads.ts";

export interface RoomFeedOptions {
  readonly roomId: string;
  /** Who hears it. */
  readonly userId: string;
  readonly reads: Pick<RoomReads, "find" | "messagesAfter">;
  readonly log: Pick<EventLog, "subscribe">;
  readonly onSlow: NonNullable<SubscribeOptions["onSlow"]>;
  readonly outbox: Pick<ChatOutbox, "offer">;
  /** A token that goes on after this sequence. */
  readonly seal: (sequence: bigint) => string;
  /** The last message that is known. */
  readonly after: bigint;
  /** A position in the log from before the room was read, and what it was like then. */
  readonly position: bigint;
  readonly version: bigint;
  readonly lastSequence: bigint;
  /** How far everybody had read. */
  readonly readers: readonly ReadChanged[];
  readonly signal: AbortSignal;
}

/** Missed messages that are read at once. */
const pageMessages = 100;

export class RoomFeed {
  /** Resolves when all is told that was said before the room was joined. Never rejects. */
  readonly caughtUp: Promise<void>;
  /** Resolves when the signal aborts; rejects when the room can no longer be heard. */
  readonly ended: Promise<void>;
  readonly #options: RoomFeedOptions;
  #sequence: bigint;
  #version: bigint;

  constructor(options: RoomFeedOptions) {
    this.#options = options;
    this.#sequence = options.after;
    this.#version = options.version;
    const caughtUp = this.#begin();
    this.caughtUp = caughtUp.catch(() => {});
    this.ended = this.#run(caughtUp);
  }

  async #run(caughtUp: Promise<void>): Promise<void> {
    const { signal } = this.#options;
    try {
      await caughtUp;
      await this.#follow();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #begin(): Promise<void> {
    const { readers, lastSequence } = this.#options;
    for (const value of readers) await this.#offer({ $case: "read", value }, "");
    await this.#catchUp(lastSequence);
  }

  async #follow(): Promise<void> {
    const { roomId, log, position: after, signal, onSlow } = this.#options;
    for await (const event of log.subscribe({ keys: [roomKey(roomId)], after, signal, onSlow })) {
      const what = roomEventOf(event);
      if (what !== undefined) await this.#hear(what);
    }
  }

  async #hear(event: RoomEvent): Promise<void> {
    switch (event.$case) {
      case "message":
        await this.#catchUp(event.value.sequence - 1n);
        return this.#say(event.value);
      case "room":
        return this.#change(event.value);
      case "read":
        return this.#offer(event, "");
    }
  }

  async #say(message: ChatMessage): Promise<void> {
    if (message.sequence <= this.#sequence) return;
    this.#sequence = message.sequence;
    await this.#offer({ $case: "message", value: message }, this.#options.seal(message.sequence));
  }

  /** Versions have no gaps either: what is not the next one is an older one. */
  async #change(room: RoomMessage): Promise<void> {
    const { reads, roomId, userId, seal, signal } = this.#options;
    if (room.etag !== etagOf(this.#version + 1n)) return;
    this.#version += 1n;
    const unreadCount = (await reads.find(roomId, userId, signal))?.unreadCount ?? 0;
    await this.#offer({ $case: "room", value: { ...room, unreadCount } }, seal(this.#sequence));
  }

  async #catchUp(through: bigint): Promise<void> {
    const { reads, roomId, signal } = this.#options;
    while (this.#sequence < through) {
      const range = { roomId, after: this.#sequence, through };
      const missed = await reads.messagesAfter(range, pageMessages, signal);
      if (missed.length === 0) throw new Error(`messages of room ${roomId} up to ${through} are missing`);
      for (const message of missed) {
        signal.throwIfAborted();
        await this.#say(message);
      }
    }
  }

  #offer(event: ChatWithSupportResponse["event"], resumeToken: string): Promise<void> {
    const { outbox, roomId, signal } = this.#options;
    return outbox.offer({ roomId, event, resumeToken, clientMessageId: "" }, signal);
  }
}
