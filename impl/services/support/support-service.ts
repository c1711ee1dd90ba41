// SupportService: rooms, and the stream that talks in them.
import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { SupportServiceDefinition } from "#proto/ecommerce/v1/support.ts";
import type { PageTokens } from "../shared/page-token.ts";
import type { ChatContext } from "./chat-context.ts";
import { type ChatLimits, chatLimits } from "./chat-limits.ts";
import { chatWithSupport } from "./chat-stream.ts";
import { Moments } from "./moments.ts";
import { createRoomChanges } from "./room-changes.ts";
import { createRoomHandlers } from "./room-handlers.ts";
import type { RoomStore } from "./room-store.ts";
import { createCallerOf } from "./support-access.ts";

export interface SupportServiceOptions {
  readonly store: RoomStore;
  /** The log that the store writes to. */
  readonly log: EventLog;
  /** Where presence is kept and heard of: the store's. */
  readonly database: Database<unknown>;
  /** For page tokens and resume tokens. */
  readonly tokens: PageTokens;
  readonly newId: NewId;
  readonly clock: Clock;
  readonly logger: Logger;
  /** False only when authentication is switched off, so that nobody is known: then everyone is an agent. */
  readonly accessChecked: boolean;
  readonly limits?: Partial<ChatLimits>;
}

export interface SupportService {
  readonly implementation: ServiceImplementation;
  /** Says of nobody any more that he is here. To be called when all streams have ended. */
  stop(): Promise<void>;
}

export function createSupportService(options: SupportServiceOptions): SupportService {
  const { store, log, database, tokens, newId, clock } = options;
  const limits = chatLimits(options.limits);
  const callerOf = createCallerOf(options.accessChecked);
  const moments = new Moments({ database, processId: newId(), clock, log: options.logger, ...limits });
  const context: ChatContext = { store, log, moments, tokens, newId, callerOf, limits };
  return {
    implementation: implement(SupportServiceDefinition, {
      ...createRoomHandlers(context),
      ...createRoomChanges(context),
      chatWithSupport: (requests, call) => chatWithSupport(context, requests, call),
    }),
    stop: () => moments.stop(),
  };
}
