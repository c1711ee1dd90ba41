import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { Chat } from "./testing/chat.ts";
import { startCuttableLink } from "./testing/cuttable-link.ts";
import { ResumingChat } from "./testing/resuming-chat.ts";
import {
  as,
  asAgent,
  connect,
  openRoom,
  openRooms,
  type SupportClient,
  supportFixture,
} from "./testing/support-fixture.ts";

const support = await supportFixture();
const agent = newId();
const [one, two] = [await support.start(), await support.start()];

/** What customer and agent say in turn, two messages at a time: so that some are said before others are acknowledged. */
const script = ["Hello", "Is anyone there?", "Yes", "How can I help?", "My lamp", "has not come"];
const isCustomers = (index: number): boolean => index % 4 < 2;

const running: ResumingChat[] = [];
afterEach(() => {
  for (const chat of running.splice(0)) chat.stop();
});

interface Conversation {
  readonly roomId: string;
  readonly asker: ResumingChat;
  readonly helper: ResumingChat;
}

async function begin(clientOfAsker: () => SupportClient, customer = newId()): Promise<Conversation> {
  const { roomId } = await openRoom(two.client, customer);
  const asker = new ResumingChat(clientOfAsker, as(customer), roomId);
  const helper = new ResumingChat(() => two.client, asAgent(agent), roomId);
  running.push(asker, helper);
  return { roomId, asker, helper };
}

function say({ asker, helper }: Conversation, index: number): string {
  return (isCustomers(index) ? asker : helper).say(script[index] ?? "");
}

/** Waits for the other side now and then, so that the script has one order. */
async function sayFrom(conversation: Conversation, from: number, through = script.length): Promise<void> {
  for (let index = from; index < through; index++) {
    const id = say(conversation, index);
    if (index % 2 === 1) await Promise.all([conversation.asker.hears(id), conversation.helper.hears(id)]);
  }
}

/** Both have heard what is stored: everything, in order, once; and every message was acknowledged with what it is stored as. */
async function expectWhole({ roomId, asker, helper }: Conversation): Promise<void> {
  const page = { roomId, pageSize: 200, pageToken: "" };
  const { messages } = await two.client.listMessages(page, asAgent(agent));
  messages.reverse();
  expect(messages.map(({ text }) => text)).toEqual(script);
  expect(messages.map(({ sequence }) => sequence)).toEqual(script.map((_, index) => BigInt(index + 1)));
  for (const chat of [asker, helper]) {
    const last = messages.at(-1)?.clientMessageId ?? "";
    await chat.hears(last);
    await chat.acknowledged();
    expect(chat.log).toEqual(messages);
    for (const [id, stored] of chat.stored) {
      const { messageId, sequence, createTime } =
        messages.find(({ clientMessageId }) => clientMessageId === id) ?? {};
      expect(stored).toEqual({ messageId, sequence, createTime });
    }
    chat.stop();
  }
}

describe("a conversation is whole for both sides", () => {
  // The customer of a whole one hears at least this: joined, every message, and its own acknowledged.
  const heardInAll = 1 + script.length + script.filter((_, index) => isCustomers(index)).length;

  test("when its stream is cancelled after any response", async () => {
    await Promise.all(
      Array.from({ length: heardInAll }, async (_, index) => {
        const conversation = await begin(() => one.client);
        conversation.asker.onHeard = (count, chat) => {
          if (count === index + 1) chat.cancel();
        };
        await sayFrom(conversation, 0);
        await expectWhole(conversation);
        expect(conversation.asker.streams).toBeGreaterThan(1);
      }),
    );
  });

  test("when its connection is cut after any response", async () => {
    await Promise.all(
      Array.from({ length: heardInAll }, async (_, index) => {
        const link = await startCuttableLink(one.server.port);
        const { client, close } = connect(`127.0.0.1:${link.port}`);
        const conversation = await begin(() => client);
        conversation.asker.onHeard = (count) => {
          if (count === index + 1) link.cut();
        };
        await sayFrom(conversation, 0);
        await expectWhole(conversation);
        expect(conversation.asker.streams).toBeGreaterThan(1);
        close();
        await link.close();
      }),
    );
  });

  test("when its server is drained after any message", async () => {
    const drained = await support.start();
    let client = drained.client;
    const paused = await Promise.all(
      Array.from({ length: script.length + 1 }, async (_, index) => {
        const conversation = await begin(() => client);
        await sayFrom(conversation, 0, index);
        return conversation;
      }),
    );
    // What is said now is on its way when the server goes.
    const ids = paused.map((conversation, index) => (index < script.length ? say(conversation, index) : ""));
    client = one.client;
    await drained.stop();
    await Promise.all(
      paused.map(async (conversation, index) => {
        const id = ids[index] ?? "";
        if (id !== "") await Promise.all([conversation.asker.hears(id), conversation.helper.hears(id)]);
        await sayFrom(conversation, index + 1);
        await expectWhole(conversation);
        expect(conversation.asker.endings).toContain("UNAVAILABLE SERVER_DRAINING");
      }),
    );
  });
});

test("everybody hears a room in the same order, without gaps, and each speaker in the order in which he spoke", async () => {
  const { customer, rooms } = await openRooms(one.client, 2);
  // The customer and one agent, each with a stream on either process.
  const chats = [one, two].flatMap(({ client }) => [
    new Chat(client, as(customer)),
    new Chat(client, asAgent(agent)),
  ]);
  await Promise.all(chats.flatMap((chat) => rooms.map((roomId) => chat.join(roomId))));
  const said: { roomId: string; speaker: number; id: string }[] = [];
  const saying = fc.record({ speaker: fc.nat(3), room: fc.nat(1), again: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(saying, { minLength: 1, maxLength: 10 }), async (sayings) => {
      for (const { speaker, room, again } of sayings) {
        const roomId = rooms[room] ?? "";
        const id = chats[speaker]?.say(roomId, "Hello") ?? "";
        if (again) chats[speaker]?.say(roomId, "Hello", id);
        said.push({ roomId, speaker, id });
      }
      for (const roomId of rooms) await expectOneOrder(roomId);
    }),
    { numRuns: 8, endOnFailure: true },
  );
  for (const chat of chats) chat.cancel();

  async function expectOneOrder(roomId: string): Promise<void> {
    const spoken = said.filter((each) => each.roomId === roomId);
    if (spoken.length === 0) return;
    const last = BigInt(spoken.length);
    for (const chat of chats) {
      await chat.next("message", (heard) => heard.roomId === roomId && heard.event.value.sequence === last);
    }
    const request = { roomId, pageSize: 200, pageToken: "" };
    const stored = (await two.client.listMessages(request, as(customer))).messages.reverse();
    expect(stored.map(({ sequence }) => sequence)).toEqual(stored.map((_, at) => BigInt(at + 1)));
    for (const chat of chats) expect(chat.messages(roomId)).toEqual(stored);
    for (const speaker of chats.keys()) {
      const ids = spoken.filter((each) => each.speaker === speaker).map(({ id }) => id);
      const order = stored.map(({ clientMessageId }) => clientMessageId).filter((id) => ids.includes(id));
      expect(order).toEqual(ids);
    }
  }
});

describe("a slow reader", () => {
  const limits = { queueMessages: 5, slowReaderMs: 100, actionsAtOnce: 1_000 };
  const longest = "\u20ac".repeat(4_000);
  /** More than the connection, and the buffers at both of its ends, hold. */
  const many = 60;

  test("is ended and resumes without loss, and the others go on", async () => {
    const { client, server } = await support.start({ limits });
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(client, 1);
    const asker = new Chat(client, as(customer));
    const quick = new Chat(client, asAgent(agent));
    const slow = new Chat(client, asAgent(agent), { pauseAfter: 1 });
    await asker.join(roomId);
    await quick.join(roomId);
    await slow.join(roomId);
    for (let n = 0; n < many; n++) asker.say(roomId, longest);
    await quick.next("message", ({ event }) => event.value.sequence === BigInt(many));
    await expect.poll(() => server.openCalls, { timeout: 15_000 }).toBe(2);

    slow.read();
    const error = await slow.ended;
    expect(error).toMatchObject({ code: Code.RESOURCE_EXHAUSTED, reason: "SLOW_CONSUMER" });
    expect(error?.trailers.get("resume-token")).toEqual([slow.token(roomId)]);
    const resumed = new Chat(client, asAgent(agent));
    await resumed.join(roomId, { resumeToken: slow.token(roomId) });
    await resumed.next("message", ({ event }) => event.value.sequence === BigInt(many));
    expect([...slow.messages(roomId), ...resumed.messages(roomId)]).toEqual(quick.messages(roomId));
    expect(quick.messages(roomId)).toEqual(asker.messages(roomId));
    expect(asker.messages(roomId)).toHaveLength(many);
    for (const chat of [asker, quick, resumed]) chat.cancel();
  });

  test("who asks for much is ended too, and what it asked for is not done", async () => {
    const { client, server } = await support.start({ limits });
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(client, 1);
    const greedy = new Chat(client, as(customer), { pauseAfter: 1 });
    greedy.do({ $case: "join", value: { roomId, resumeToken: "", historyCount: 0 } });
    for (let n = 0; n < 10; n++) greedy.say(roomId, longest);
    const history = { $case: "history", value: { roomId, beforeSequence: 0n, count: 10 } } as const;
    greedy.do(...Array.from({ length: 20 }, () => history));
    await expect.poll(() => server.ended.length, { timeout: 15_000 }).toBeGreaterThan(1);
    greedy.read();
    expect(await greedy.ended).toMatchObject({ code: Code.RESOURCE_EXHAUSTED, reason: "SLOW_CONSUMER" });
  });
});
