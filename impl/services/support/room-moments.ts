// What is only of the moment in one room, as this process knows it: its own members, who is there anywhere, and who types. Held only
// while a stream of this process is in the room.
import type { CancelTimer, Clock } from "#impl/runtime/clock.ts";
import type { Presence } from "#proto/ecommerce/v1/support.ts";
import type { Present } from "./presence-store.ts";
import type { Participant } from "./room.ts";

/** One stream in a room. */
export interface Member extends Participant {
  presence: Presence;
  /** Something changed in the room. Must not throw. */
  readonly changed: () => void;
}

export class RoomMoments {
  readonly members = new Set<Member>();
  readonly #typing = new Map<string, CancelTimer>();
  #present: ReadonlyMap<string, Present> = new Map();

  /** Who is there, by user. */
  get present(): ReadonlyMap<string, Present> {
    return this.#present;
  }

  /** The users who type. */
  get typing(): Iterable<string> {
    return this.#typing.keys();
  }

  types(userId: string): boolean {
    return this.#typing.has(userId);
  }

  /** What the streams of this process say of somebody: the best of them. Undefined when there is none. */
  ownPresence(userId: string): Present | undefined {
    let best: Present | undefined;
    for (const member of this.members) {
      if (member.userId !== userId || (best !== undefined && best.presence <= member.presence)) continue;
      best = { role: member.role, presence: member.presence };
    }
    return best;
  }

  see(present: ReadonlyMap<string, Present>): void {
    this.#present = present;
    this.#tell();
  }

  /** Typing that is not told again is forgotten after `forgetMs`. */
  type(userId: string, typing: boolean, clock: Clock, forgetMs: number): void {
    this.#typing.get(userId)?.();
    this.#typing.delete(userId);
    if (typing) {
      this.#typing.set(
        userId,
        clock.after(forgetMs, () => this.type(userId, false, clock, forgetMs)),
      );
    }
    this.#tell();
  }

  /** Lets go of its timers. */
  close(): void {
    for (const cancel of this.#typing.values()) cancel();
    this.#typing.clear();
  }

  #tell(): void {
    for (const { changed } of this.members) changed();
  }
}
