// One caller on one stream of ChatWithSupport: does what it asks for, one thing after the other. What cannot be done is told in the room
// it is about and does not end the stream.
import type { Call } from "#impl/runtime/call.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import type {
  AcknowledgeRead,
  ChatWithSupportRequest,
  ChatWithSupportResponse,
  FetchHistory,
  SendChatMessage,
} from "#proto/ecommerce/v1/support.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { type ActionRate, createActionRate } from "./action-rate.ts";
import type { ChatContext } from "./chat-context.ts";
import type { ChatOutbox } from "./chat-outbox.ts";
import { ChatRooms, type ChatRoomsOptions } from "./chat-rooms.ts";
import { afterTheLast } from "./room-pages.ts";
import type { Caller } from "./support-access.ts";
import { roomClosed, tooFast } from "./support-errors.ts";

export type ChatSessionOptions = Pick<ChatRoomsOptions, "context" | "call" | "outbox" | "onSlow">;

const defaultHistory = 50;

export class ChatSession {
  readonly #context: ChatContext;
  readonly #call: Call;
  readonly #outbox: ChatOutbox;
  readonly #caller: Caller;
  readonly #rooms: ChatRooms;
  readonly #rate: ActionRate;

  constructor(options: ChatSessionOptions) {
    const { context, call, outbox } = options;
    const { actionsPerSecond, actionsAtOnce } = context.limits;
    this.#context = context;
    this.#call = call;
    this.#outbox = outbox;
    this.#caller = context.callerOf(call.principal);
    this.#rooms = new ChatRooms({ ...options, caller: this.#caller });
    this.#rate = createActionRate(call.environment.clock, actionsPerSecond, actionsAtOnce);
  }

  /** Ends the outbox when nothing more is asked for and everything is answered, or with the error of the requests. Never rejects. */
  async listen(requests: AsyncIterable<ChatWithSupportRequest>): Promise<void> {
    try {
      for await (const request of requests) await this.#act(request);
      await this.#rooms.caughtUp();
      this.#outbox.end();
    } catch (error) {
      this.#outbox.end({ error });
    }
  }

  close(): void {
    this.#rooms.close();
  }

  async #act(request: ChatWithSupportRequest): Promise<void> {
    try {
      const waitMs = this.#rate.take();
      if (waitMs > 0) throw tooFast(this.#context.limits.actionsPerSecond, waitMs);
      await this.#perform(request.action);
    } catch (error) {
      if (this.#call.finished) throw error;
      this.#outbox.answer(this.#failed(request.action, error));
    }
  }

  async #perform(action: ChatWithSupportRequest["action"]): Promise<void> {
    switch (action?.$case) {
      case "join":
        return this.#rooms.join(action.value);
      case "leave":
        return this.#rooms.leave(action.value.roomId);
      case "send":
        return this.#send(action.value);
      case "typing":
        return this.#setTyping(action.value.roomId, action.value.typing);
      case "read":
        return this.#read(action.value);
      case "presence":
        return this.#rooms.setPresence(action.value.presence);
      case "history":
        return this.#fetchHistory(action.value);
      case undefined:
        throw invalidArgument([{ field: "action", description: "is required", reason: "required" }]);
    }
  }

  /** A message that was sent before is found by its id, even when the room was closed since. */
  async #send({ roomId: given, clientMessageId, text }: SendChatMessage): Promise<void> {
    const { roomId, member: sender } = this.#rooms.get(given);
    requireStorableText({ text }, "send");
    const messageId = this.#context.newId();
    const stored = await this.#context.store.write(this.#call.signal, async (writer, tell) => {
      const message = await writer.say({ roomId, messageId, sender, text, clientMessageId });
      if (message !== undefined) tell(roomId, { $case: "message", value: message });
      const said = message ?? (await writer.said(roomId, sender.userId, clientMessageId));
      if (said === undefined) throw roomClosed(roomId);
      return said;
    });
    this.#context.moments.setTyping(roomId, sender.userId, false);
    const { messageId: id, sequence, createTime } = stored;
    this.#answer(
      roomId,
      { $case: "stored", value: { messageId: id, sequence, createTime } },
      clientMessageId,
    );
  }

  #setTyping(given: string, typing: boolean): void {
    const { roomId, member } = this.#rooms.get(given);
    this.#context.moments.setTyping(roomId, member.userId, typing);
  }

  async #read({ roomId: given, sequence }: AcknowledgeRead): Promise<void> {
    const { roomId, member } = this.#rooms.get(given);
    const { userId } = member;
    await this.#context.store.write(this.#call.signal, async (writer, tell) => {
      const reached = await writer.read(roomId, userId, sequence);
      if (reached !== undefined) tell(roomId, { $case: "read", value: { userId, sequence: reached } });
    });
  }

  async #fetchHistory({ roomId: given, beforeSequence, count }: FetchHistory): Promise<void> {
    const { roomId } = this.#rooms.get(given);
    const before = beforeSequence === 0n ? afterTheLast : beforeSequence;
    const limit = count === 0 ? defaultHistory : count;
    const latestFirst = await this.#context.store.messagesBefore(roomId, before, limit, this.#call.signal);
    const messages = latestFirst.reverse();
    const hasMore = (messages[0]?.sequence ?? 1n) > 1n;
    this.#answer(roomId, { $case: "history", value: { messages, hasMore } });
  }

  #answer(roomId: string, event: ChatWithSupportResponse["event"], clientMessageId = ""): void {
    this.#outbox.answer({ roomId, event, resumeToken: "", clientMessageId });
  }

  /** What a call for this alone would end with. */
  #failed(action: ChatWithSupportRequest["action"], error: unknown): ChatWithSupportResponse {
    const { code, message, details, cause } = this.#call.environment.boundary(error);
    if (code === Code.INTERNAL)
      this.#call.log.error({ err: cause, action: action?.$case }, "an action failed");
    const value = { code, message, details: [...details] };
    const roomId = action !== undefined && "roomId" in action.value ? action.value.roomId.toLowerCase() : "";
    const clientMessageId = action?.$case === "send" ? action.value.clientMessageId : "";
    return { roomId, event: { $case: "error", value }, resumeToken: "", clientMessageId };
  }
}
