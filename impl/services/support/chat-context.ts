// What all streams of ChatWithSupport in a process share.
import type { NewId } from "#impl/runtime/ids.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import type { PageTokens } from "../shared/page-token.ts";
import type { ChatLimits } from "./chat-limits.ts";
import type { Moments } from "./moments.ts";
import type { RoomStore } from "./room-store.ts";
import type { CallerOf } from "./support-access.ts";

export interface ChatContext {
  readonly store: RoomStore;
  readonly log: EventLog;
  readonly moments: Moments;
  /** For resume tokens. */
  readonly tokens: PageTokens;
  readonly newId: NewId;
  readonly callerOf: CallerOf;
  readonly limits: ChatLimits;
}
