import { afterEach, describe, expect, test } from "vitest";
import type { CallOptions } from "#impl/client/client.ts";
import { present } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { ResumeExpired } from "#proto/ecommerce/v1/event.ts";
import { ParticipantRole, Presence, RoomState } from "#proto/ecommerce/v1/support.ts";
import { ErrorInfo, RetryInfo } from "#proto/google/rpc/error_details.ts";
import type { Status } from "#proto/google/rpc/status.ts";
import { Chat, type ChatOptions } from "./testing/chat.ts";
import {
  as,
  asAgent,
  openRoom,
  openRooms,
  type SupportProcess,
  supportFixture,
} from "./testing/support-fixture.ts";

const support = await supportFixture();
const limits = { maxRooms: 3, heartbeatMs: 300, actionsAtOnce: 60, actionsPerSecond: 1 };
const [one, two] = [await support.start({ limits }), await support.start({ limits })];
const agent = newId();

const open: Chat[] = [];
function chat(process: SupportProcess, who: CallOptions, options?: ChatOptions): Chat {
  const made = new Chat(process.client, who, options);
  open.push(made);
  return made;
}
afterEach(() => {
  for (const each of open.splice(0)) each.cancel();
});

/** The reason of an error that was told in a room. */
function reasonOf(status: Status): string {
  const info = status.details.find(({ typeUrl }) => typeUrl.endsWith("google.rpc.ErrorInfo"));
  return ErrorInfo.decode(present(info).value).reason;
}

describe("a conversation over two processes", () => {
  test("is heard by both sides, in one order, with acknowledgements to who speaks", async () => {
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const asker = chat(one, as(customer));
    const helper = chat(two, asAgent(agent));
    await asker.join(roomId);
    await helper.join(roomId);
    const question = asker.say(roomId, "Where is my lamp?");
    await helper.next("message");
    const answer = helper.say(roomId, "On its way");
    await asker.next("message", ({ event }) => event.value.sequence === 2n);
    await helper.next("message", ({ event }) => event.value.sequence === 2n);
    const expected = [
      { sequence: 1n, text: "Where is my lamp?", senderUserId: customer, clientMessageId: question },
      { sequence: 2n, text: "On its way", senderUserId: agent, clientMessageId: answer },
    ];
    expect(asker.messages(roomId)).toMatchObject(expected);
    expect(helper.messages(roomId)).toEqual(asker.messages(roomId));
    const [first, second] = asker.messages(roomId);
    const stored = ({ messageId, sequence, createTime }: NonNullable<typeof first>) => ({
      messageId,
      sequence,
      createTime,
    });
    expect(await asker.next("stored")).toMatchObject({
      roomId,
      clientMessageId: question,
      event: { value: stored(present(first)) },
    });
    expect(await helper.next("stored")).toMatchObject({
      clientMessageId: answer,
      event: { value: stored(present(second)) },
    });
  });

  test("tells who has read how far, at once and to who joins later, and counts what is unread", async () => {
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const asker = chat(one, as(customer));
    await asker.join(roomId);
    for (const text of ["one", "two", "three"]) asker.say(roomId, text);
    await asker.next("message", ({ event }) => event.value.sequence === 3n);
    const unread = async () => (await two.client.getRoom({ roomId }, asAgent(agent))).room?.unreadCount;
    expect(await unread()).toBe(3);
    const helper = chat(two, asAgent(agent));
    expect((await helper.join(roomId)).room?.unreadCount).toBe(3);
    helper.do({ $case: "read", value: { roomId, sequence: 2n } });
    expect((await asker.next("read")).event.value).toEqual({ userId: agent, sequence: 2n });
    expect(await unread()).toBe(1);
    // Neither does a lower one count, nor one's own messages, nor more than there is.
    helper.do({ $case: "read", value: { roomId, sequence: 1n } });
    helper.say(roomId, "four");
    await asker.next("message", ({ event }) => event.value.sequence === 4n);
    expect(await unread()).toBe(1);
    helper.do({ $case: "read", value: { roomId, sequence: 99n } });
    await asker.next("read", ({ event }) => event.value.sequence === 4n);
    expect(asker.all("read").map(({ event }) => event.value.sequence)).toEqual([2n, 4n]);
    expect(await unread()).toBe(0);
    const late = chat(one, as(customer));
    await late.join(roomId);
    expect((await late.next("read")).event.value).toEqual({ userId: agent, sequence: 4n });
  });

  test("hears of the room's changes, after which a closed room takes no message but acknowledges a known one", async () => {
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const asker = chat(one, as(customer));
    await asker.join(roomId);
    const known = asker.say(roomId, "Hello");
    const ack = await asker.next("stored");
    await two.client.assignRoom({ roomId, agentUserId: agent, etag: "" }, asAgent(agent));
    const { room } = await two.client.closeRoom({ roomId, etag: "" }, asAgent(agent));
    const closed = await asker.next("room", ({ event }) => event.value.state === RoomState.ROOM_STATE_CLOSED);
    expect(closed.event.value).toEqual({ ...room, unreadCount: 2 });
    expect(asker.all("room").map(({ event }) => event.value.state)).toEqual([
      RoomState.ROOM_STATE_ASSIGNED,
      RoomState.ROOM_STATE_CLOSED,
    ]);
    expect(asker.messages(roomId).map(({ senderRole }) => senderRole)).toEqual([
      ParticipantRole.PARTICIPANT_ROLE_CUSTOMER,
      ParticipantRole.PARTICIPANT_ROLE_SYSTEM,
      ParticipantRole.PARTICIPANT_ROLE_SYSTEM,
    ]);
    const refused = asker.say(roomId, "Anyone?");
    const error = await asker.next("error");
    expect(error).toMatchObject({
      roomId,
      clientMessageId: refused,
      event: { value: { code: Code.FAILED_PRECONDITION } },
    });
    expect(reasonOf(error.event.value)).toBe("ROOM_CLOSED");
    asker.say(roomId, "Hello", known);
    await expect.poll(() => asker.all("stored")).toEqual([ack, ack]);
    await two.client.reopenRoom({ roomId }, asAgent(agent));
    await asker.next("room", ({ event }) => event.value.state === RoomState.ROOM_STATE_WAITING);
    asker.say(roomId, "Still there?");
    await asker.next("message", ({ event }) => event.value.text === "Still there?");
  });

  test("goes on in several rooms at once, and no longer in one that was left", async () => {
    const { customer, rooms } = await openRooms(one.client, 3);
    const [first = "", second = "", third = ""] = rooms;
    const asker = chat(one, as(customer));
    for (const roomId of rooms) await asker.join(roomId);
    const helper = chat(two, asAgent(agent));
    for (const roomId of rooms) await helper.join(roomId);
    helper.do({ $case: "leave", value: { roomId: second } });
    await helper.next("left");
    for (const roomId of rooms) asker.say(roomId, roomId);
    await helper.next("message", ({ roomId }) => roomId === third);
    expect(helper.messages(first)).toHaveLength(1);
    expect(helper.messages(second)).toHaveLength(0);
    helper.say(second, "Hello?");
    expect(reasonOf((await helper.next("error")).event.value)).toBe("ROOM_NOT_JOINED");
    expect((await helper.join(second, { historyCount: 5 })).room?.lastMessage?.text).toBe(second);
    await helper.next("message", ({ roomId }) => roomId === second);
  });
});

describe("what came before", () => {
  test("is told from the latest back, as much as was asked for", async () => {
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const asker = chat(one, as(customer));
    await asker.join(roomId);
    for (let n = 1; n <= 7; n++) asker.say(roomId, `${n}`);
    await asker.next("message", ({ event }) => event.value.sequence === 7n);
    const helper = chat(two, asAgent(agent));
    await helper.join(roomId, { historyCount: 3 });
    await helper.next("message", ({ event }) => event.value.sequence === 7n);
    expect(helper.messages(roomId).map(({ text }) => text)).toEqual(["5", "6", "7"]);
    const history = async (beforeSequence: bigint, count: number) => {
      const known = helper.all("history").length;
      helper.do({ $case: "history", value: { roomId, beforeSequence, count } });
      await expect.poll(() => helper.all("history").length).toBe(known + 1);
      const { messages, hasMore } = present(helper.all("history").at(-1)).event.value;
      return [messages.map(({ text }) => text).join(""), hasMore];
    };
    expect(await history(5n, 2)).toEqual(["34", true]);
    expect(await history(3n, 2)).toEqual(["12", false]);
    expect(await history(0n, 0)).toEqual(["1234567", false]);
    expect(await history(1n, 9)).toEqual(["", false]);
  });

  test("is told to the end when the caller has nothing more to ask", async () => {
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const asker = chat(one, as(customer));
    await asker.join(roomId);
    for (let n = 0; n < 5; n++) asker.say(roomId, `${n}`);
    await asker.next("stored", ({ event }) => event.value.sequence === 5n);
    const reader = chat(two, as(customer));
    reader.do({ $case: "join", value: { roomId, resumeToken: "", historyCount: 200 } });
    reader.halfClose();
    expect(await reader.ended).toBeUndefined();
    expect(reader.messages(roomId)).toHaveLength(5);
  });

  test("begins with the latest messages when the token has expired", async () => {
    let daysLater = 0;
    const clock = {
      now: () => Date.now() + daysLater * 86_400_000,
      monotonic: () => performance.now(),
      after: () => () => {},
    };
    const forgetful = await support.start({ clock });
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const asker = chat(forgetful, as(customer));
    await asker.join(roomId);
    asker.say(roomId, "Hello");
    await asker.next("message");
    daysLater = 3;
    asker.do({ $case: "join", value: { roomId, resumeToken: asker.token(roomId), historyCount: 0 } });
    const { code, details } = (await asker.next("error")).event.value;
    expect(code).toBe(Code.OUT_OF_RANGE);
    const expired = details.find(
      ({ typeUrl }) => typeUrl === "type.googleapis.com/ecommerce.v1.ResumeExpired",
    );
    const { snapshotToken } = ResumeExpired.decode(present(expired).value);
    const anew = chat(forgetful, as(customer));
    await anew.join(roomId, { resumeToken: snapshotToken });
    expect((await anew.next("message")).event.value.text).toBe("Hello");
  });
});

describe("an error that is about one room", () => {
  test.each([
    [
      "another customer's room",
      Code.NOT_FOUND,
      "NOT_FOUND",
      (other: string) =>
        ({ $case: "join", value: { roomId: other, resumeToken: "", historyCount: 0 } }) as const,
    ],
    [
      "a room that was not joined",
      Code.FAILED_PRECONDITION,
      "ROOM_NOT_JOINED",
      (other: string) => ({ $case: "read", value: { roomId: other, sequence: 1n } }) as const,
    ],
    [
      "nonsense for a token",
      Code.INVALID_ARGUMENT,
      "INVALID_REQUEST",
      (_: string, own: string) =>
        ({ $case: "join", value: { roomId: own, resumeToken: "nonsense", historyCount: 0 } }) as const,
    ],
    [
      "text that cannot be stored",
      Code.INVALID_ARGUMENT,
      "INVALID_REQUEST",
      (_: string, own: string) =>
        ({ $case: "send", value: { roomId: own, clientMessageId: newId(), text: "nul \0" } }) as const,
    ],
  ])("is told for %s, and the stream goes on", async (_, code, reason, action) => {
    const {
      customer,
      rooms: [own = ""],
    } = await openRooms(one.client, 1);
    const other = (await openRoom(one.client, newId())).roomId;
    const asker = chat(one, as(customer));
    await asker.join(own);
    const asked = action(other, own);
    asker.do(asked);
    const { event, roomId, clientMessageId } = await asker.next("error");
    expect(event.value.code).toBe(code);
    expect(reasonOf(event.value)).toBe(reason);
    expect(roomId).toBe(asked.value.roomId);
    expect(clientMessageId).toBe(asked.$case === "send" ? asked.value.clientMessageId : "");
    asker.say(own, "Still here");
    await asker.next("message");
  });

  test("is told for a token of another room", async () => {
    const {
      customer,
      rooms: [first = "", second = ""],
    } = await openRooms(one.client, 2);
    const asker = chat(one, as(customer));
    await asker.join(first);
    asker.do({ $case: "join", value: { roomId: second, resumeToken: asker.token(first), historyCount: 0 } });
    expect(await asker.next("error")).toMatchObject({
      roomId: second,
      event: { value: { code: Code.INVALID_ARGUMENT } },
    });
  });

  test("is told for a room too many", async () => {
    const { customer, rooms } = await openRooms(one.client, limits.maxRooms + 1);
    const asker = chat(one, as(customer));
    for (const roomId of rooms.slice(1)) await asker.join(roomId);
    const [extra = ""] = rooms;
    asker.do({ $case: "join", value: { roomId: extra, resumeToken: "", historyCount: 0 } });
    const { roomId, event } = await asker.next("error");
    expect([roomId, event.value.code, reasonOf(event.value)]).toEqual([
      extra,
      Code.RESOURCE_EXHAUSTED,
      "TOO_MANY_ROOMS",
    ]);
    // One that was joined already is joined again, and one that was left makes room.
    await asker.join(present(rooms[1]));
    asker.do({ $case: "leave", value: { roomId: present(rooms[1]) } });
    await asker.join(extra);
  });

  test("is told for what comes too fast, with the time to wait", async () => {
    const asker = chat(one, as(newId()));
    const presence = { $case: "presence", value: { presence: Presence.PRESENCE_AWAY } } as const;
    asker.do(...Array.from({ length: 2 * limits.actionsAtOnce }, () => presence));
    const { event, roomId } = await asker.next("error");
    expect([roomId, event.value.code, reasonOf(event.value)]).toEqual([
      "",
      Code.RESOURCE_EXHAUSTED,
      "TOO_FAST",
    ]);
    const retry = event.value.details.find(({ typeUrl }) => typeUrl.endsWith("RetryInfo"));
    expect(RetryInfo.decode(present(retry).value).retryDelay).toBeDefined();
  });
});

describe("a stream ends", () => {
  test("with UNAUTHENTICATED for nobody", async () => {
    expect(await chat(one, {}).ended).toMatchObject({ code: Code.UNAUTHENTICATED });
  });

  test.each([
    ["a room that is no id", { $case: "leave", value: { roomId: "1" } }],
    [
      "a text that is too long",
      { $case: "send", value: { roomId: newId(), clientMessageId: newId(), text: "x".repeat(4_001) } },
    ],
    ["no text", { $case: "send", value: { roomId: newId(), clientMessageId: newId(), text: "" } }],
    [
      "a message without an id",
      { $case: "send", value: { roomId: newId(), clientMessageId: "", text: "x" } },
    ],
    ["a presence that nobody can have", { $case: "presence", value: { presence: 3 } }],
    ["too much history", { $case: "history", value: { roomId: newId(), beforeSequence: 0n, count: 201 } }],
    ["no sequence", { $case: "read", value: { roomId: newId(), sequence: 0n } }],
  ] as const)("with INVALID_ARGUMENT for %s, after what came before it was answered", async (_, action) => {
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const asker = chat(one, as(customer));
    asker.do({ $case: "join", value: { roomId, resumeToken: "", historyCount: 0 } });
    asker.say(roomId, "Hello");
    asker.do(action);
    expect(await asker.ended).toMatchObject({ code: Code.INVALID_ARGUMENT });
    expect(asker.all("stored")).toHaveLength(1);
  });

  test("with DEADLINE_EXCEEDED at its deadline", async () => {
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const asker = chat(one, { ...as(customer), deadlineMs: 200 });
    await asker.join(roomId);
    expect(await asker.ended).toMatchObject({ code: Code.DEADLINE_EXCEEDED });
  });

  test("with a heartbeat first when nothing happens", async () => {
    const asker = chat(one, as(newId()));
    expect((await asker.next("heartbeat")).roomId).toBe("");
    asker.halfClose();
    expect(await asker.ended).toBeUndefined();
  });
});

test("a message that is sent again is stored once, however often and from wherever", async () => {
  const {
    customer,
    rooms: [roomId = ""],
  } = await openRooms(one.client, 1);
  const askers = [chat(one, as(customer)), chat(two, as(customer)), chat(two, as(customer))];
  const helper = chat(one, asAgent(agent));
  for (const each of [...askers, helper]) await each.join(roomId);
  const id = newId();
  for (const asker of askers) {
    asker.say(roomId, "Hello", id);
    asker.say(roomId, "Hello", id);
  }
  // Another's message of the same id is another message.
  helper.say(roomId, "Hello", id);
  for (const asker of askers) await expect.poll(() => asker.all("stored")).toHaveLength(2);
  await helper.next("stored");
  const acknowledged = askers.flatMap((asker) => asker.all("stored").map(({ event }) => event.value));
  expect(new Set(acknowledged.map(({ messageId, sequence }) => `${messageId} ${sequence}`)).size).toBe(1);
  expect((await one.client.getRoom({ roomId }, as(customer))).room?.lastMessage?.sequence).toBe(2n);
});
