// Processes of support on a database of their own, called over the wire as anyone the test likes.

import { Client, credentials } from "@grpc/grpc-js";
import { afterAll } from "vitest";
import { type CallOptions, type ClientOf, createClient } from "#impl/client/client.ts";
import { present } from "#impl/client/testing/answers.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { eventTables } from "#impl/storage/events/event-tables.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { CreateRoomRequest, type Room, SupportServiceDefinition } from "#proto/ecommerce/v1/support.ts";
import { supportSchema } from "../support-tables.ts";
import {
  type SupportServer,
  type SupportServerOptions,
  schema,
  startSupportServer,
} from "./support-server.ts";

export type SupportClient = ClientOf<SupportServiceDefinition>;

export interface SupportProcess extends SupportServer {
  readonly client: SupportClient;
}

export interface SupportFixture {
  readonly database: TestDatabase<unknown>;
  /** Starts one more process on the database. */
  readonly start: (options?: Partial<SupportServerOptions>) => Promise<SupportProcess>;
}

/** Call it at the top of a test file: it cleans up after its last test. */
export async function supportFixture(): Promise<SupportFixture> {
  const database = await testDatabase<unknown>({ migrations: [supportSchema, eventTables("support")] });
  const stops: (() => Promise<void>)[] = [];
  afterAll(async () => {
    await Promise.all(stops.map((stop) => stop()));
  });
  return {
    database,
    async start(options) {
      const server = await startSupportServer({ url: database.url, ...options });
      const { client, close } = connect(server.server.address);
      stops.push(async () => {
        close();
        await server.stop();
      });
      return { ...server, client };
    },
  };
}

/** A client on a connection of its own. */
export function connect(address: string): { readonly client: SupportClient; readonly close: () => void } {
  const channel = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  const client = createClient(SupportServiceDefinition, { channel, schema, clock: systemClock });
  return { client, close: () => channel.close() };
}

/** Options of a call by this user. Without such options the caller is anonymous. */
export function as(userId: string, permissions: readonly string[] = []): CallOptions {
  return { metadata: { "test-user": userId, "test-permissions": permissions.join(",") } };
}

export function asAgent(userId: string): CallOptions {
  return as(userId, ["support.agent"]);
}

/** A room of this customer. */
export async function openRoom(
  client: SupportClient,
  customerUserId: string,
  content: Partial<CreateRoomRequest> = {},
): Promise<Room> {
  const request = CreateRoomRequest.fromPartial({ customerUserId, subject: "Where is it?", ...content });
  return present((await client.createRoom(request, as(customerUserId))).room);
}

/** `count` rooms of a new customer. */
export async function openRooms(
  client: SupportClient,
  count: number,
): Promise<{ customer: string; rooms: string[] }> {
  const customer = newId();
  const rooms = await Promise.all(Array.from({ length: count }, () => openRoom(client, customer)));
  return { customer, rooms: rooms.map(({ roomId }) => roomId) };
}
