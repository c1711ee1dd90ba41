// What one stream was told of the moment in a room, and what it is to be told next. Only the difference counts, so that a slow reader
// misses what has passed meanwhile and nothing is kept for it.
import { type ChatWithSupportResponse, Presence, type PresenceChanged } from "#proto/ecommerce/v1/support.ts";
import type { MomentSource } from "./chat-outbox.ts";
import type { RoomMoments } from "./room-moments.ts";

export class ToldMoments implements MomentSource {
  readonly #roomId: string;
  /** Nobody is told of himself. */
  readonly #ownUserId: string;
  readonly #room: RoomMoments;
  readonly #presence = new Map<string, PresenceChanged>();
  #typing: ReadonlySet<string> = new Set();

  constructor(roomId: string, ownUserId: string, room: RoomMoments) {
    this.#roomId = roomId;
    this.#ownUserId = ownUserId;
    this.#room = room;
  }

  takeMoments(): ChatWithSupportResponse[] {
    const presences = this.takePresences();
    return [
      ...presences.map((value) => this.#response({ $case: "presence", value })),
      ...this.#takeTyping().map((value) => this.#response({ $case: "typing", value })),
    ];
  }

  /** Whose presence has changed since the last time; the first time, who is there. */
  takePresences(): PresenceChanged[] {
    const changes: PresenceChanged[] = [];
    const { present } = this.#room;
    for (const [userId, { role, presence }] of present) {
      if (userId === this.#ownUserId || this.#presence.get(userId)?.presence === presence) continue;
      changes.push({ userId, role, presence });
    }
    for (const [userId, { role }] of this.#presence) {
      if (!present.has(userId)) changes.push({ userId, role, presence: Presence.PRESENCE_OFFLINE });
    }
    for (const change of changes) {
      if (change.presence === Presence.PRESENCE_OFFLINE) this.#presence.delete(change.userId);
      else this.#presence.set(change.userId, change);
    }
    return changes;
  }

  #takeTyping(): { userId: string; typing: boolean }[] {
    const typing = new Set(this.#room.typing);
    typing.delete(this.#ownUserId);
    const before = this.#typing;
    this.#typing = typing;
    return [
      ...[...typing.difference(before)].map((userId) => ({ userId, typing: true })),
      ...[...before.difference(typing)].map((userId) => ({ userId, typing: false })),
    ];
  }

  #response(event: ChatWithSupportResponse["event"]): ChatWithSupportResponse {
    return { roomId: this.#roomId, event, resumeToken: "", clientMessageId: "" };
  }
}
