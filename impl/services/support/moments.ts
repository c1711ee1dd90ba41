// Presence and typing in the rooms of one process, and across processes. Presence is a state that all agree on by what is stored under
// leases: what changes here is written, what may have changed elsewhere is read again, and a notice only says when. Typing is told and
// never stored.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { type Repeated, repeat } from "#impl/runtime/repeat.ts";
import type { Database } from "#impl/storage/database.ts";
import type { Presence } from "#proto/ecommerce/v1/support.ts";
import { decodeNotice } from "./moment-notice.ts";
import { createPresenceStore, type PresenceStore } from "./presence-store.ts";
import { PresenceSync } from "./presence-sync.ts";
import { type Member, RoomMoments } from "./room-moments.ts";

const channel = "support_moments";
/** How often a lease is renewed before it would end. */
const renewalsPerLease = 3;

export interface MomentsOptions {
  readonly database: Pick<Database<unknown>, "queries" | "listen">;
  /** A UUID of this process, new with every start. */
  readonly processId: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly presenceLeaseMs: number;
  readonly typingMs: number;
}

export class Moments {
  readonly #options: MomentsOptions;
  readonly #rooms = new Map<string, RoomMoments>();
  readonly #store: PresenceStore;
  readonly #presence: PresenceSync;
  readonly #renewal: Repeated;
  #stopListening: (() => void) | undefined;
  #failing = false;

  constructor(options: MomentsOptions) {
    const { database, processId, clock, log, presenceLeaseMs: leaseMs } = options;
    this.#options = options;
    this.#store = createPresenceStore(database, { processId, leaseMs, channel });
    this.#presence = new PresenceSync({ processId, store: this.#store, rooms: this.#rooms });
    const everyMs = Math.max(1, Math.floor(leaseMs / renewalsPerLease));
    this.#renewal = repeat("renew the presence lease", everyMs, async () => this.#renew(), { clock, log });
  }

  /** Resolves when everybody can know of the member, and who else is there is known. When it rejects, leave all the same. */
  async enter(roomId: string, member: Member): Promise<RoomMoments> {
    this.#stopListening ??= this.#options.database.listen(channel, (payload) => this.#onNotice(payload));
    const room = this.#rooms.get(roomId) ?? new RoomMoments();
    this.#rooms.set(roomId, room);
    room.members.add(member);
    this.#presence.say({ roomId, userId: member.userId });
    await this.#presence.sync();
    return room;
  }

  setPresence(roomId: string, member: Member, presence: Presence): void {
    if (member.presence === presence) return;
    member.presence = presence;
    this.#presence.say({ roomId, userId: member.userId });
    this.#sync();
  }

  setTyping(roomId: string, userId: string, typing: boolean): void {
    const { clock, typingMs } = this.#options;
    const room = this.#rooms.get(roomId);
    if (room === undefined || (!typing && !room.types(userId))) return;
    room.type(userId, typing, clock, typingMs);
    this.#presence.tellTyping({ roomId, userId }, typing);
    this.#sync();
  }

  /** Without effect when the member is not there. */
  leave(roomId: string, member: Member): void {
    const { userId } = member;
    const room = this.#rooms.get(roomId);
    if (room?.members.delete(member) !== true) return;
    if (room.ownPresence(userId) === undefined) this.setTyping(roomId, userId, false);
    if (room.members.size === 0) {
      room.close();
      this.#rooms.delete(roomId);
    }
    this.#presence.say({ roomId, userId });
    this.#sync();
  }

  /** Says that nobody is here any more. Streams should be ended before. */
  async stop(): Promise<void> {
    this.#stopListening?.();
    await this.#renewal.stop();
    if (this.#stopListening === undefined) return;
    try {
      await this.#presence.sync();
      await this.#store.release();
    } catch (error) {
      this.#options.log.warn({ err: error }, "the presence lease could not be ended and will run out");
    }
  }

  /** Reads all rooms again, too: that is how the end of a lease is seen, and what no notice told of. */
  #renew(): void {
    this.#presence.renewLease();
    this.#presence.lookEverywhere();
    if (this.#rooms.size > 0) this.#sync();
  }

  /** For nobody who waits. After a failure, the next renewal tries again. */
  #sync(): void {
    this.#presence.sync().then(
      () => {
        this.#failing = false;
      },
      (error: unknown) => {
        if (!this.#failing) this.#options.log.warn({ err: error }, "presence cannot be told or read");
        this.#failing = true;
      },
    );
  }

  #onNotice(payload: string | undefined): void {
    try {
      if (payload !== undefined) this.#hear(payload);
      // Anything may have been missed before the connection was made.
      else this.#presence.lookEverywhere();
    } catch (error) {
      this.#options.log.warn({ err: error }, "a notice of moments cannot be read");
    }
    this.#sync();
  }

  #hear(payload: string): void {
    const { processId, clock, typingMs } = this.#options;
    const notice = decodeNotice(payload);
    if (notice.processId === processId) return;
    for (const [roomId, userId, typing = false] of notice.moments) {
      if (userId === undefined) this.#presence.look(roomId);
      else this.#rooms.get(roomId)?.type(userId, typing, clock, typingMs);
    }
  }
}
