// ChatWithSupport: two sides that do not wait for each other. What the caller asks for is done in its order, by chat-session.ts; what is to
// be said waits in the outbox, from which this stream takes it as fast as its reader lets it.
import type { Call } from "#impl/runtime/call.ts";
import { SlowConsumer } from "#impl/storage/events/event-errors.ts";
import type { ChatWithSupportRequest, ChatWithSupportResponse } from "#proto/ecommerce/v1/support.ts";
import { tooSlow } from "../shared/event-stream-errors.ts";
import type { ChatContext } from "./chat-context.ts";
import { ChatOutbox } from "./chat-outbox.ts";
import { ChatSession } from "./chat-session.ts";
import { RoomTokens } from "./room-tokens.ts";

export async function* chatWithSupport(
  context: ChatContext,
  requests: AsyncIterable<ChatWithSupportRequest>,
  call: Call,
): AsyncGenerator<ChatWithSupportResponse> {
  const { limits } = context;
  const { clock } = call.environment;
  const tokens = new RoomTokens();
  const onSlow = (cause: SlowConsumer): void => call.fail(tooSlow(cause, call.resumeToken));
  const outbox = new ChatOutbox({
    clock,
    limits,
    onSlow: () => onSlow(new SlowConsumer(limits.slowReaderMs)),
  });
  const session = new ChatSession({ context, call, outbox, onSlow });
  call.onFinish(() => outbox.close());
  try {
    void session.listen(requests);
    for (;;) {
      const next = await outbox.next(limits.heartbeatMs);
      if (next === "ended") return;
      const response = next ?? heartbeat(new Date(clock.now()));
      call.nextResumeToken = tokens.after(response);
      if (call.nextResumeToken === undefined) call.resumeToken = undefined;
      yield response;
    }
  } finally {
    session.close();
    outbox.close();
  }
}

function heartbeat(serverTime: Date): ChatWithSupportResponse {
  return {
    roomId: "",
    event: { $case: "heartbeat", value: { serverTime } },
    resumeToken: "",
    clientMessageId: "",
  };
}
