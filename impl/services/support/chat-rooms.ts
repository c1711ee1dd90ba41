// The rooms that one stream is in: joined and left by its caller, and all left when it ends.
import type { Call } from "#impl/runtime/call.ts";
import { type JoinRoom, Presence } from "#proto/ecommerce/v1/support.ts";
import { type Place, placeTokens } from "../shared/event-stream-place.ts";
import type { ChatContext } from "./chat-context.ts";
import type { ChatOutbox } from "./chat-outbox.ts";
import { RoomFeed, type RoomFeedOptions } from "./room-feed.ts";
import { roomMessage } from "./room-message.ts";
import type { Member, RoomMoments } from "./room-moments.ts";
import { type Caller, requireSeen, requireVisible } from "./support-access.ts";
import { notJoined, tooManyRooms } from "./support-errors.ts";
import { ToldMoments } from "./told-moments.ts";

export interface ChatRoomsOptions {
  readonly context: ChatContext;
  readonly call: Call;
  readonly caller: Caller;
  readonly outbox: ChatOutbox;
  readonly onSlow: RoomFeedOptions["onSlow"];
}

export interface JoinedRoom {
  readonly roomId: string;
  readonly member: Member;
  readonly feed: RoomFeed;
  readonly left: AbortController;
}

/** What a stream begins with whose token has expired: the latest messages. */
const snapshotMessages = 200;
/** Of whom one is told how far they have read. */
const maxReaders = 100;

export class ChatRooms {
  readonly #options: ChatRoomsOptions;
  readonly #joined = new Map<string, JoinedRoom>();
  #presence: Presence = Presence.PRESENCE_ONLINE;

  constructor(options: ChatRoomsOptions) {
    this.#options = options;
  }

  /** Throws FAILED_PRECONDITION for a room that was not joined. */
  get(roomId: string): JoinedRoom {
    const joined = this.#joined.get(roomId.toLowerCase());
    if (joined === undefined) throw notJoined(roomId);
    return joined;
  }

  /** Joins a room; one that was joined, anew. Throws INVALID_ARGUMENT or OUT_OF_RANGE for a token, NOT_FOUND, RESOURCE_EXHAUSTED. */
  async join(request: JoinRoom): Promise<void> {
    const { context, call, caller, outbox } = this.#options;
    const { store, log, limits, tokens } = context;
    const roomId = request.roomId.toLowerCase();
    if (this.#joined.size >= limits.maxRooms && !this.#joined.has(roomId))
      throw tooManyRooms(limits.maxRooms);
    const places = placeTokens({ tokens, purpose: "support.chat.1", boundTo: roomId, snapshot: true });
    const place = request.resumeToken === "" ? undefined : places.open(request.resumeToken);
    // Before the room is read: what is said meanwhile comes with the room and as an event, and is told once.
    const position = await log.head(call.signal);
    const [found, readers] = await Promise.all([
      store.find(roomId, caller.userId, call.signal),
      store.reads(roomId, maxReaders, call.signal),
    ]);
    const seen = requireSeen(caller, found, roomId);
    this.#leave(roomId);
    const { member, told } = await this.#enter(roomId, seen.room.customerUserId);
    const after = startOf(place, request.historyCount, seen.room.lastSequence);
    outbox.answer({
      roomId,
      event: { $case: "joined", value: { room: roomMessage(seen), participants: told.takePresences() } },
      resumeToken: places.seal(after),
      clientMessageId: "",
    });
    this.#follow(roomId, member, {
      ...{ after, position, readers, seal: places.seal },
      version: seen.room.version,
      lastSequence: seen.room.lastSequence,
    });
  }

  leave(roomId: string): void {
    const joined = this.get(roomId);
    this.#leave(joined.roomId);
    const event = { $case: "left", value: {} } as const;
    this.#options.outbox.answer({ roomId: joined.roomId, event, resumeToken: "", clientMessageId: "" });
  }

  setPresence(presence: Presence): void {
    this.#presence = presence;
    for (const { roomId, member } of this.#joined.values()) {
      this.#options.context.moments.setPresence(roomId, member, presence);
    }
  }

  /** Resolves when what was said before the rooms were joined has been told, or never will be. */
  async caughtUp(): Promise<void> {
    await Promise.all([...this.#joined.values()].map(({ feed }) => feed.caughtUp));
  }

  close(): void {
    for (const roomId of [...this.#joined.keys()]) this.#leave(roomId);
  }

  async #enter(roomId: string, customerUserId: string): Promise<{ member: Member; told: ToldMoments }> {
    const { context, call, caller, outbox } = this.#options;
    const { participant } = requireVisible(caller, { customerUserId }, roomId);
    let told: ToldMoments | undefined;
    const changed = (): void => {
      if (told !== undefined) outbox.mark(told);
    };
    const member: Member = { ...participant, presence: this.#presence, changed };
    try {
      const room: RoomMoments = await context.moments.enter(roomId, member);
      call.signal.throwIfAborted();
      told = new ToldMoments(roomId, participant.userId, room);
      return { member, told };
    } catch (error) {
      context.moments.leave(roomId, member);
      throw error;
    }
  }

  #follow(
    roomId: string,
    member: Member,
    start: Pick<RoomFeedOptions, "after" | "position" | "version" | "lastSequence" | "readers" | "seal">,
  ): void {
    const { context, call, outbox, onSlow } = this.#options;
    const left = new AbortController();
    const feed = new RoomFeed({
      ...start,
      ...{ roomId, userId: member.userId, outbox, onSlow, signal: left.signal },
      reads: context.store,
      log: context.log,
    });
    this.#joined.set(roomId, { roomId, member, feed, left });
    // Silence would be taken for peace.
    feed.ended.catch((error: unknown) => call.fail(error));
  }

  #leave(roomId: string): void {
    const joined = this.#joined.get(roomId);
    if (joined === undefined) return;
    this.#joined.delete(roomId);
    joined.left.abort();
    this.#options.context.moments.leave(roomId, joined.member);
  }
}

/** The last message that the caller is not told of any more. */
function startOf(place: Place | undefined, historyCount: number, lastSequence: bigint): bigint {
  if (typeof place === "bigint") return place < lastSequence ? place : lastSequence;
  const count = BigInt(place === undefined ? historyCount : snapshotMessages);
  return lastSequence > count ? lastSequence - count : 0n;
}
