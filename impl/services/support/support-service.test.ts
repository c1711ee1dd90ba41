import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { failure, present } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { ListRoomsRequest, ParticipantRole, type Room, RoomState } from "#proto/ecommerce/v1/support.ts";
import { as, asAgent, openRoom, supportFixture } from "./testing/support-fixture.ts";

const support = await supportFixture();
const { client } = await support.start();
const agent = newId();

const { ROOM_STATE_WAITING, ROOM_STATE_ASSIGNED, ROOM_STATE_CLOSED } = RoomState;
const listing = (request: Partial<ListRoomsRequest>) => ListRoomsRequest.fromPartial(request);
const assign = (room: Room, agentUserId: string, etag = "") =>
  client.assignRoom({ roomId: room.roomId, agentUserId, etag }, asAgent(agent));
const close = (room: Room, options = asAgent(agent), etag = "") =>
  client.closeRoom({ roomId: room.roomId, etag }, options);

async function said(roomId: string): Promise<string[]> {
  const { messages } = await client.listMessages({ roomId, pageSize: 200, pageToken: "" }, asAgent(agent));
  return messages.map(({ text }) => text);
}

describe("a room", () => {
  test("is opened with its first message by its customer, who has read it, and the agents have not", async () => {
    const customer = newId();
    const orderId = newId();
    const room = await openRoom(client, customer, { text: "Hello", orderId });
    expect(room).toMatchObject({
      customerUserId: customer,
      agentUserId: "",
      subject: "Where is it?",
      orderId,
      state: ROOM_STATE_WAITING,
      unreadCount: 0,
      lastMessage: {
        roomId: room.roomId,
        sequence: 1n,
        senderUserId: customer,
        senderRole: ParticipantRole.PARTICIPANT_ROLE_CUSTOMER,
        text: "Hello",
      },
    });
    expect((await client.getRoom(room, as(customer))).room).toEqual(room);
    expect((await client.getRoom(room, asAgent(agent))).room).toEqual({ ...room, unreadCount: 1 });
  });

  test("is opened by an agent for a customer, without a message", async () => {
    const customer = newId();
    const request = { customerUserId: customer, subject: "Your order", orderId: "", text: "", requestId: "" };
    const room = present((await client.createRoom(request, asAgent(agent))).room);
    expect(room).toMatchObject({ lastMessage: undefined, unreadCount: 0 });
    expect((await client.getRoom(room, as(customer))).room).toEqual(room);
    const spoken = { ...request, text: "We found it" };
    const { lastMessage } = present((await client.createRoom(spoken, asAgent(agent))).room);
    expect(lastMessage).toMatchObject({
      senderUserId: agent,
      senderRole: ParticipantRole.PARTICIPANT_ROLE_AGENT,
    });
  });

  test("is opened once for one request id", async () => {
    const customer = newId();
    const request = {
      customerUserId: customer,
      subject: "Once",
      orderId: "",
      text: "Hi",
      requestId: newId(),
    };
    const answers = await Promise.all([1, 2, 3].map(() => client.createRoom(request, as(customer))));
    expect(new Set(answers.map(({ room }) => room?.roomId)).size).toBe(1);
    const other = client.createRoom({ ...request, text: "Other" }, as(customer));
    expect(await failure(other)).toMatchObject({ code: Code.ALREADY_EXISTS, reason: "REQUEST_ID_REUSED" });
  });

  test("does not exist for other customers, and not at all when it was never opened", async () => {
    const room = await openRoom(client, newId(), { text: "Hello" });
    const page = { roomId: room.roomId, pageSize: 0, pageToken: "" };
    const stranger = as(newId());
    const calls = [
      client.getRoom(room, stranger),
      client.listMessages(page, stranger),
      close(room, stranger),
      client.reopenRoom(room, stranger),
      client.getRoom({ roomId: newId() }, asAgent(agent)),
      client.assignRoom({ roomId: newId(), agentUserId: agent, etag: "" }, asAgent(agent)),
    ];
    for (const error of await Promise.all(calls.map(failure))) {
      expect(error).toMatchObject({ code: Code.NOT_FOUND, reason: "NOT_FOUND" });
    }
    expect(await said(room.roomId)).toEqual(["Hello"]);
  });

  test("of somebody else is not opened or listed, nor assigned by a customer", async () => {
    const customer = newId();
    const room = await openRoom(client, customer);
    const request = { customerUserId: newId(), subject: "x", orderId: "", text: "", requestId: "" };
    const calls = [
      client.createRoom(request, as(customer)),
      client.listRooms(listing({}), as(customer)),
      client.listRooms(listing({ customerUserId: newId() }), as(customer)),
      client.assignRoom({ roomId: room.roomId, agentUserId: customer, etag: "" }, as(customer)),
    ];
    for (const error of await Promise.all(calls.map(failure))) {
      expect(error).toMatchObject({ code: Code.PERMISSION_DENIED });
    }
    expect(await failure(client.getRoom(room))).toMatchObject({ code: Code.UNAUTHENTICATED });
  });

  test.each([
    ["customer_user_id", { customerUserId: "nobody" }],
    ["subject", { subject: "" }],
    ["subject", { subject: "x".repeat(201) }],
    ["subject", { subject: "nul \0" }],
    ["text", { text: "x".repeat(4_001) }],
    ["text", { text: "nul \0" }],
    ["order_id", { orderId: "1" }],
  ])("is not opened with a bad %s", async (field, change) => {
    const request = {
      customerUserId: newId(),
      subject: "x",
      orderId: "",
      text: "",
      requestId: "",
      ...change,
    };
    const error = await failure(client.createRoom(request, asAgent(agent)));
    expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT });
    expect(error.details.badRequest?.fieldViolations.map((violation) => violation.field)).toEqual([field]);
  });

  test("keeps what is longest: 4000 characters outside the basic plane", async () => {
    const text = "🦉".repeat(4_000);
    const room = await openRoom(client, newId(), { text });
    expect(await said(room.roomId)).toEqual([text]);
  });
});

describe("the standing of a room", () => {
  test("goes from waiting to assigned, to another agent, back, to closed and open again; the shop says so", async () => {
    const customer = newId();
    const room = await openRoom(client, customer);
    const standing = ({ room: seen }: { room?: Room | undefined }) => [seen?.state, seen?.agentUserId];
    expect(standing(await assign(room, agent))).toEqual([ROOM_STATE_ASSIGNED, agent]);
    const other = newId();
    expect(standing(await assign(room, other))).toEqual([ROOM_STATE_ASSIGNED, other]);
    expect(standing(await assign(room, ""))).toEqual([ROOM_STATE_WAITING, ""]);
    await assign(room, agent);
    expect(standing(await close(room, as(customer)))).toEqual([ROOM_STATE_CLOSED, agent]);
    const reopened = await client.reopenRoom(room, as(customer));
    expect(standing(reopened)).toEqual([ROOM_STATE_WAITING, ""]);
    expect(reopened.room).toMatchObject({ unreadCount: 6, lastMessage: { sequence: 6n, senderUserId: "" } });
    expect(await said(room.roomId)).toEqual([
      "The conversation was opened again.",
      "The conversation was closed.",
      "An agent has taken the conversation.",
      "The conversation waits for an agent.",
      "An agent has taken the conversation.",
      "An agent has taken the conversation.",
    ]);
  });

  test("that is reached already stays, with any etag and without a word", async () => {
    const room = await openRoom(client, newId());
    const assigned = await assign(room, agent, room.etag);
    expect(assigned.room?.etag).not.toBe(room.etag);
    expect(await assign(room, agent, room.etag)).toEqual(assigned);
    const closed = await close(room, asAgent(agent), assigned.room?.etag);
    expect(await close(room, asAgent(agent), room.etag)).toEqual(closed);
    const open = await client.reopenRoom(room, asAgent(agent));
    expect(await client.reopenRoom(room, asAgent(agent))).toEqual(open);
    expect(await assign(room, "")).toEqual(open);
    expect(await said(room.roomId)).toHaveLength(3);
  });

  test("does not change for an etag that is another version's, and a closed room is not assigned", async () => {
    const room = await openRoom(client, newId());
    await assign(room, agent);
    const stale = { code: Code.ABORTED, reason: "ETAG_MISMATCH" };
    expect(await failure(assign(room, newId(), room.etag))).toMatchObject(stale);
    expect(await failure(close(room, asAgent(agent), room.etag))).toMatchObject(stale);
    await close(room);
    const refused = { code: Code.FAILED_PRECONDITION, reason: "ROOM_CLOSED" };
    expect(await failure(assign(room, agent))).toMatchObject(refused);
    expect(await failure(assign(room, ""))).toMatchObject(refused);
  });

  test("changes once for many who change it at the same time", async () => {
    const room = await openRoom(client, newId());
    const agents = Array.from({ length: 5 }, () => newId());
    const outcomes = await Promise.allSettled(agents.map((each) => assign(room, each, room.etag)));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await Promise.all(agents.map(() => close(room)));
    expect(await said(room.roomId)).toHaveLength(2);
  });

  test("cannot be stored wrongly", async () => {
    const room = await openRoom(client, newId());
    const spoil = (change: ReturnType<typeof sql>) =>
      sql`update support.rooms set ${change} where room_id = ${room.roomId}`.execute(
        support.database.queries,
      );
    await expect(spoil(sql`state = 2`)).rejects.toMatchObject({ code: "CHECK_VIOLATION" });
    await expect(spoil(sql`agent_user_id = room_id`)).rejects.toMatchObject({ code: "CHECK_VIOLATION" });
  });
});

describe("a list of rooms", () => {
  test("has the one with the latest message first, page after page", async () => {
    const customer = newId();
    const rooms: Room[] = [];
    for (let n = 0; n < 5; n++) rooms.push(await openRoom(client, customer, { text: `${n}` }));
    await close(present(rooms[1]));
    const listed: string[] = [];
    let pageToken = "";
    do {
      const page = await client.listRooms(
        listing({ customerUserId: customer, pageSize: 2, pageToken }),
        as(customer),
      );
      listed.push(...page.rooms.map(({ roomId }) => roomId));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    // Rooms that were last spoken in within one millisecond come in the order of their ids.
    const latest = present(rooms[1]).roomId;
    expect(listed[0]).toBe(latest);
    expect(new Set(listed)).toEqual(new Set(rooms.map(({ roomId }) => roomId)));
    expect(listed.slice(1)).toEqual(
      rooms
        .filter(({ roomId }) => roomId !== latest)
        .map(({ roomId }) => roomId)
        .reverse(),
    );
  });

  test("can be of an agent's, of states, and is of all customers for an agent", async () => {
    const busy = newId();
    const [one, two] = [await openRoom(client, newId()), await openRoom(client, newId())];
    await assign(one, busy);
    await assign(two, busy);
    await close(two);
    const ids = async (request: Partial<ListRoomsRequest>) =>
      (await client.listRooms(listing({ agentUserId: busy, ...request }), asAgent(agent))).rooms.map(
        ({ roomId }) => roomId,
      );
    expect(await ids({})).toEqual([two.roomId, one.roomId]);
    expect(await ids({ states: [ROOM_STATE_ASSIGNED, ROOM_STATE_WAITING] })).toEqual([one.roomId]);
    expect(await ids({ states: [ROOM_STATE_CLOSED] })).toEqual([two.roomId]);
    expect(await ids({ customerUserId: one.customerUserId.toUpperCase() })).toEqual([one.roomId]);
    expect(await ids({ customerUserId: one.customerUserId, states: [ROOM_STATE_CLOSED] })).toEqual([]);
  });

  test("does not go on with a token of other conditions, or with none at all", async () => {
    const customer = newId();
    await openRoom(client, customer);
    await openRoom(client, customer);
    const request = listing({ customerUserId: customer, pageSize: 1 });
    const { nextPageToken: pageToken } = await client.listRooms(request, as(customer));
    const bad = [
      { ...request, states: [ROOM_STATE_CLOSED], pageToken },
      { ...request, pageToken: "nonsense" },
      { ...request, pageSize: -1 },
    ];
    for (const each of bad) {
      const error = await failure(client.listRooms(each, as(customer)));
      expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT });
    }
  });
});

test("the messages of a room are listed from the latest, page after page", async () => {
  const customer = newId();
  const room = await openRoom(client, customer, { text: "1" });
  for (const each of [agent, newId(), newId(), newId()]) await assign(room, each);
  const sequences: bigint[] = [];
  let pageToken = "";
  do {
    const page = await client.listMessages({ roomId: room.roomId, pageSize: 2, pageToken }, as(customer));
    sequences.push(...page.messages.map(({ sequence }) => sequence));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(sequences).toEqual([5n, 4n, 3n, 2n, 1n]);
  const other = await openRoom(client, customer);
  const { nextPageToken } = await client.listMessages(
    { roomId: room.roomId, pageSize: 1, pageToken: "" },
    as(customer),
  );
  const misused = client.listMessages(
    { roomId: other.roomId, pageSize: 1, pageToken: nextPageToken },
    as(customer),
  );
  expect(await failure(misused)).toMatchObject({ code: Code.INVALID_ARGUMENT });
  expect(await said(other.roomId)).toEqual([]);
});

test("without authentication everyone is an agent", async () => {
  const open = await support.start({ authentication: false });
  const customer = newId();
  const request = { customerUserId: customer, subject: "x", orderId: "", text: "Hi", requestId: "" };
  const room = present((await open.client.createRoom(request)).room);
  expect((await open.client.getRoom(room)).room).toEqual(room);
  expect(room.lastMessage?.senderRole).toBe(ParticipantRole.PARTICIPANT_ROLE_AGENT);
});
