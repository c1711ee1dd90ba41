import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { sql } from "kysely";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { CallOptions } from "#impl/client/client.ts";
import { newId } from "#impl/runtime/ids.ts";
import { ParticipantRole, Presence } from "#proto/ecommerce/v1/support.ts";
import { Chat } from "./testing/chat.ts";
import {
  as,
  asAgent,
  connect,
  openRooms,
  type SupportClient,
  supportFixture,
} from "./testing/support-fixture.ts";

const support = await supportFixture();
const limits = { presenceLeaseMs: 600, typingMs: 200 };
const [one, two] = [await support.start({ limits }), await support.start({ limits })];
const agent = newId();
const { PRESENCE_ONLINE: online, PRESENCE_AWAY: away, PRESENCE_OFFLINE: offline } = Presence;

const open: Chat[] = [];
async function joined(client: SupportClient, who: CallOptions, roomId: string): Promise<Chat> {
  const chat = new Chat(client, who);
  open.push(chat);
  await chat.join(roomId);
  return chat;
}
afterEach(() => {
  for (const chat of open.splice(0)) chat.cancel();
});

const typing = (roomId: string, on: boolean) => ({ $case: "typing", value: { roomId, typing: on } }) as const;
const presence = (value: Presence) => ({ $case: "presence", value: { presence: value } }) as const;
const seen = (chat: Chat) => chat.all("presence").map(({ event }) => event.value.presence);

describe("presence", () => {
  test("is told across processes: who is there, comes, looks away and goes", async () => {
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const asker = await joined(one.client, as(customer), roomId);
    const helper = new Chat(two.client, asAgent(agent));
    expect((await helper.join(roomId)).participants).toEqual([
      { userId: customer, role: ParticipantRole.PARTICIPANT_ROLE_CUSTOMER, presence: online },
    ]);
    const came = await asker.next("presence");
    expect(came).toMatchObject({
      roomId,
      event: { value: { userId: agent, role: ParticipantRole.PARTICIPANT_ROLE_AGENT, presence: online } },
    });
    helper.do(presence(away));
    await asker.next("presence", ({ event }) => event.value.presence === away);
    helper.cancel();
    await asker.next("presence", ({ event }) => event.value.presence === offline);
    expect(seen(asker)).toEqual([online, away, offline]);
  });

  test("is the best of one's streams, and ends with the last", async () => {
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const asker = await joined(one.client, as(customer), roomId);
    const phone = await joined(one.client, asAgent(agent), roomId);
    const desk = await joined(two.client, asAgent(agent), roomId);
    desk.do(presence(away));
    phone.do({ $case: "leave", value: { roomId } });
    await asker.next("presence", ({ event }) => event.value.presence === away);
    desk.halfClose();
    await asker.next("presence", ({ event }) => event.value.presence === offline);
    expect(seen(asker)).toEqual([online, away, offline]);
    // Nobody is told of himself.
    expect([...seen(phone), ...seen(desk)]).toEqual([]);
  });

  test("of a process that is killed ends with its lease", async () => {
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const script = new URL("./testing/support-process.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [script, support.database.url, JSON.stringify(limits)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    afterAll(() => child.kill("SIGKILL"));
    const [address] = await once(child.stdout, "data");
    const { client, close } = connect(String(address).trim());
    const helper = await joined(client, asAgent(agent), roomId);
    const asker = new Chat(one.client, as(customer));
    expect((await asker.join(roomId)).participants).toMatchObject([{ userId: agent, presence: online }]);
    const over = text(child.stdout);
    child.kill("SIGKILL");
    await over;
    expect(await helper.ended).toMatchObject({ name: "CallError" });
    expect((await asker.next("presence")).event.value).toMatchObject({ userId: agent, presence: offline });
    asker.cancel();
    close();
  });
});

describe("typing", () => {
  test("is told across processes, ends with what is said, is forgotten, and is never stored", async () => {
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const asker = await joined(one.client, as(customer), roomId);
    const neighbour = await joined(one.client, asAgent(newId()), roomId);
    const helper = await joined(two.client, asAgent(agent), roomId);
    const stored = async () => {
      const { rows } = await sql<{ rows: bigint }>`
        select (select count(*) from support.outbox) + (select count(*) from support.messages) as rows`.execute(
        support.database.queries,
      );
      return rows[0]?.rows;
    };
    const before = await stored();
    helper.do(typing(roomId, true));
    for (const chat of [asker, neighbour]) {
      expect((await chat.next("typing")).event.value).toEqual({ userId: agent, typing: true });
      // Nobody says that it stops.
      await chat.next("typing", ({ event }) => !event.value.typing);
    }
    asker.do(typing(roomId, true), typing(roomId, false));
    await expect.poll(() => neighbour.all("typing").length >= 2).toBe(true);
    expect(await stored()).toBe(before);
    expect(helper.all("typing").every(({ event }) => event.value.userId === customer)).toBe(true);

    const from = asker.heard.length;
    helper.do(typing(roomId, true));
    helper.say(roomId, "Hello");
    await asker.next("message");
    await expect.poll(() => asker.all("typing").at(-1)?.event.value.typing).toBe(false);
    expect(
      asker.heard.slice(from).filter(({ resumeToken, event }) => event?.$case === "typing" && resumeToken),
    ).toEqual([]);
  });

  test("ends with the stream of who types", async () => {
    const {
      customer,
      rooms: [roomId = ""],
    } = await openRooms(one.client, 1);
    const patient = { ...limits, typingMs: 60_000 };
    const three = await support.start({ limits: patient });
    const four = await support.start({ limits: patient });
    const asker = await joined(three.client, as(customer), roomId);
    const helper = await joined(four.client, asAgent(agent), roomId);
    helper.do(typing(roomId, true));
    await asker.next("typing", ({ event }) => event.value.typing);
    helper.cancel();
    await asker.next("typing", ({ event }) => !event.value.typing);
  });
});
