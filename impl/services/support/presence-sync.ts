// Brings the presence of this process's rooms to the database and that of all processes from there. One round of writing and reading
// runs at a time, and of all that ask for one meanwhile, one more: many changes cost no more than one.
import { StorageError } from "#impl/storage/errors.ts";
import { encodeNotices, type Moment } from "./moment-notice.ts";
import type { PresenceStore } from "./presence-store.ts";
import type { RoomMoments } from "./room-moments.ts";

export interface PresenceSyncOptions {
  readonly processId: string;
  readonly store: PresenceStore;
  /** The rooms of this process. */
  readonly rooms: ReadonlyMap<string, RoomMoments>;
}

interface Whom {
  readonly roomId: string;
  readonly userId: string;
}

export class PresenceSync {
  readonly #options: PresenceSyncOptions;
  /** Of whom this process has something new to say. */
  readonly #unsaid = new Map<string, Whom>();
  readonly #untold = new Map<string, Moment>();
  /** Rooms in which others may have said something new. */
  readonly #unread = new Set<string>();
  #leased = false;
  #running: Promise<void> | undefined;
  #following: Promise<void> | undefined;

  constructor(options: PresenceSyncOptions) {
    this.#options = options;
  }

  /** The presence of somebody in this process may have changed. */
  say(whom: Whom): void {
    this.#unsaid.set(keyOf(whom), whom);
  }

  /** Somebody types or has stopped. Is told with the next round or not at all. */
  tellTyping(whom: Whom, typing: boolean): void {
    this.#untold.set(keyOf(whom), [whom.roomId, whom.userId, typing]);
  }

  /** The presence of others in the room may have changed. */
  look(roomId: string): void {
    if (this.#options.rooms.has(roomId)) this.#unread.add(roomId);
  }

  lookEverywhere(): void {
    for (const roomId of this.#options.rooms.keys()) this.#unread.add(roomId);
  }

  /** The lease is renewed with the next round, which this does not ask for. */
  renewLease(): void {
    this.#leased = false;
  }

  /** Resolves when everything that changed before the call is written and read. What a failed round has not done, the next one does. */
  sync(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#round().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#following ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#following = undefined;
        return this.sync();
      });
    return this.#following;
  }

  async #round(): Promise<void> {
    if (this.#unsaid.size > 0 || this.#unread.size > 0) await this.#lease();
    await this.#write();
    await this.#read();
  }

  async #lease(): Promise<void> {
    if (this.#leased) return;
    const isNew = await this.#options.store.renew();
    this.#leased = true;
    if (!isNew) return;
    for (const [roomId, { members }] of this.#options.rooms) {
      for (const { userId } of members) this.say({ roomId, userId });
    }
  }

  async #write(): Promise<void> {
    if (this.#unsaid.size === 0 && this.#untold.size === 0) return;
    const { store, rooms, processId } = this.#options;
    const unsaid = [...this.#unsaid.values()];
    const roomIds = new Set(unsaid.map(({ roomId }) => roomId));
    const moments: Moment[] = [...[...roomIds].map((roomId) => [roomId] as const), ...this.#untold.values()];
    this.#unsaid.clear();
    this.#untold.clear();
    const statements = unsaid.map(({ roomId, userId }) => ({
      roomId,
      userId,
      present: rooms.get(roomId)?.ownPresence(userId),
    }));
    try {
      await store.say(statements, encodeNotices(processId, moments));
    } catch (error) {
      for (const whom of unsaid) this.say(whom);
      if (!(error instanceof StorageError && error.code === "FOREIGN_KEY_VIOLATION")) throw error;
      // Somebody has ended the lease, which had run out.
      this.#leased = false;
      await this.#lease();
      await this.#write();
    }
    for (const roomId of roomIds) this.look(roomId);
  }

  async #read(): Promise<void> {
    const unread = [...this.#unread];
    if (unread.length === 0) return;
    this.#unread.clear();
    try {
      const present = await this.#options.store.read(unread);
      for (const roomId of unread) this.#options.rooms.get(roomId)?.see(present.get(roomId) ?? new Map());
    } catch (error) {
      for (const roomId of unread) this.look(roomId);
      throw error;
    }
  }
}

function keyOf({ roomId, userId }: Whom): string {
  return `${roomId} ${userId}`;
}
