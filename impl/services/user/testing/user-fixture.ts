// A user service on a database of its own, called over the wire as anyone the test likes, behind the checks of access and
// of field rules that it relies on.
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll } from "vitest";
import { type CallOptions, type ClientOf, createClient } from "#impl/client/client.ts";
import { authorize } from "#impl/middleware/authorize.ts";
import { validate } from "#impl/middleware/validate.ts";
import { createAudit } from "#impl/observability/audit.ts";
import { type MemoryOutput, memoryOutput } from "#impl/observability/testing/memory-output.ts";
import { type Clock, systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { newId } from "#impl/runtime/ids.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import { ecommerceSchema, startTestServer, type TestServer } from "#impl/runtime/testing/test-server.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { CreateUserRequest, User, UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { createPageTokens } from "../../shared/page-token.ts";
import { createUserService } from "../user-service.ts";
import { createUserStore, type UserStore } from "../user-store.ts";
import { type UserTables, usersSchema } from "../user-tables.ts";

const schema = ecommerceSchema();
const ours = [...schema.methods].filter(([path]) => path.includes("UserService"));
const checkFields = validate({ ...schema, methods: new Map(ours) });

export type UserFixture = {
  readonly client: ClientOf<UserServiceDefinition>;
  readonly server: TestServer;
  /** What the service wrote into the audit log. */
  readonly audit: MemoryOutput;
  readonly database: TestDatabase<UserTables>;
  readonly store: UserStore;
  readonly schema: Schema;
  /** Registers someone with an address that nobody else has. */
  readonly register: (content?: Parameters<typeof User.fromPartial>[0]) => Promise<User>;
};

export type UserFixtureOptions = { readonly authentication?: boolean; readonly clock?: Clock };

/** Call it at the top of a test file: it cleans up after its last test. */
export async function startUsers(options: UserFixtureOptions = {}): Promise<UserFixture> {
  const { authentication = true, clock = systemClock } = options;
  const database = await testDatabase<UserTables>({ migrations: [usersSchema] });
  const store = createUserStore(database.typed<unknown>(), { clock });
  const audit = memoryOutput();
  const service = createUserService({
    store,
    schema,
    newId,
    audit: createAudit({ clock, output: audit }),
    tokens: createPageTokens({ key: new Uint8Array(32).fill(7), clock }),
    knownRoles: new Set(["customer", "support_agent", "admin"]),
    accessChecked: authentication,
  });
  const server = await startTestServer({
    schema,
    services: [service],
    links: [...(authentication ? [believeTheCaller, authorize] : []), checkFields],
    translators: [storageToRpcError],
    clock,
  });
  const channel = new Client(server.address, credentials.createInsecure());
  const client = createClient(UserServiceDefinition, { channel, schema, clock: systemClock });
  afterAll(async () => {
    channel.close();
    await server.drain();
  });
  let registered = 0;
  const register: UserFixture["register"] = async (content) => {
    const user = User.fromPartial({ email: `someone${++registered}@example.com`, ...content });
    const created = await client.createUser(CreateUserRequest.fromPartial({ user }), as(newId(), everything));
    return created.user ?? User.create();
  };
  return { client, server, audit, database, store, schema, register };
}

export const everything = ["users.read", "users.write", "users.assign_roles"];

/** Options of a call by this user. Without such options the caller is anonymous. */
export function as(userId: string, permissions: readonly string[] = []): CallOptions {
  return { metadata: { "test-user": userId, "test-permissions": permissions.join(",") } };
}

export const admin = as("01890000-0000-7000-8000-000000000000", everything);

const believeTheCaller: Link = (_, next) => (call, input) => {
  const userId = call.metadata.get("test-user");
  const permissions = new Set(call.metadata.get("test-permissions")?.split(","));
  call.principal = userId === undefined ? undefined : { userId, roles: [], permissions };
  return next(call, input);
};
