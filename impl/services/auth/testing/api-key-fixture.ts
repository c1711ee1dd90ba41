// The methods of API keys on a database of their own, beside a real UserService, called over the wire as anyone the test likes, behind the
// checks of access and of field rules that they rely on.
import { randomBytes } from "node:crypto";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll } from "vitest";
import { permissionsOf } from "#impl/auth/roles.ts";
import { type CallOptions, type ClientOf, createClient } from "#impl/client/client.ts";
import { authorize } from "#impl/middleware/authorize.ts";
import { validate } from "#impl/middleware/validate.ts";
import { createAudit } from "#impl/observability/audit.ts";
import { type ManualClock, manualClock } from "#impl/observability/testing/manual-clock.ts";
import { type MemoryOutput, memoryOutput } from "#impl/observability/testing/memory-output.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { newId } from "#impl/runtime/ids.ts";
import { implement } from "#impl/runtime/service.ts";
import { ecommerceSchema, startTestServer } from "#impl/runtime/testing/test-server.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { AuthServiceDefinition } from "#proto/ecommerce/v1/auth.ts";
import { CreateUserRequest, UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { createPageTokens } from "../../shared/page-token.ts";
import { createUserService } from "../../user/user-service.ts";
import { createUserStore } from "../../user/user-store.ts";
import { usersSchema } from "../../user/user-tables.ts";
import { createApiKeyAccess } from "../api-key-access.ts";
import { createFindHolder } from "../api-key-holder.ts";
import { createApiKeyMethods } from "../api-key-methods.ts";
import { createApiKeyStore } from "../api-key-store.ts";
import { createApiKeyVerification } from "../api-key-verification.ts";
import { authSchema } from "../auth-tables.ts";
import { createRevocations } from "../revocations.ts";

const schema = ecommerceSchema();
const ours = [...schema.methods].filter(([path]) => /\.(Auth|User)Service\//.test(path));

export const API_KEYS_PER_USER = 20;
const AHEAD_MS = 3_600_000;

export interface ApiKeyFixture {
  readonly client: ClientOf<AuthServiceDefinition>;
  readonly users: ClientOf<UserServiceDefinition>;
  readonly database: TestDatabase<unknown>;
  /** Of the keys: a test moves it. */
  readonly clock: ManualClock;
  readonly audit: MemoryOutput;
  /** The id of a new user with these roles. */
  readonly userWith: (...roles: readonly string[]) => Promise<string>;
}

/** Call it at the top of a test file: it cleans up after its last test. */
export async function startApiKeys(): Promise<ApiKeyFixture> {
  const database = await testDatabase<unknown>({ migrations: [usersSchema, authSchema] });
  // Ahead, since the rules of fields have a clock of their own that goes on while this one stands.
  const clock = manualClock(systemClock.now() + AHEAD_MS);
  const audit = memoryOutput();
  const events = await testEventLog(database, authSchema.schema);
  const parts = { audit: createAudit({ clock, output: audit }), clock, newId };
  const tokens = createPageTokens({ key: new Uint8Array(32).fill(7), clock });
  const apiKeys = createApiKeyStore({
    database,
    revocations: createRevocations({ database, events, clock }),
    clock,
    maxPerUser: API_KEYS_PER_USER,
  });
  let channel: Client | undefined;
  const users = createClient(UserServiceDefinition, {
    schema,
    clock: systemClock,
    metadata: () => ({ "test-user": "service:auth", "test-permissions": "users.read" }),
    get channel() {
      if (channel === undefined) throw new Error("the fixture has not started");
      return channel;
    },
  });
  const options = {
    ...parts,
    tokens,
    apiKeys,
    randomBytes,
    access: createApiKeyAccess(true),
    findHolder: createFindHolder({ users, permissionsOf }),
  };
  const server = await startTestServer({
    schema,
    services: [
      implement(AuthServiceDefinition, {
        ...createApiKeyMethods(options),
        ...createApiKeyVerification(options),
      }),
      createUserService({
        ...parts,
        store: createUserStore(database, { clock }),
        schema,
        tokens,
        knownRoles: new Set(["customer", "support_agent", "stock_manager", "administrator"]),
        accessChecked: true,
      }),
    ],
    links: [believeTheCaller, authorize, validate({ ...schema, methods: new Map(ours) })],
    translators: [storageToRpcError],
  });
  channel = new Client(server.address, credentials.createInsecure());
  const open = channel;
  afterAll(async () => {
    open.close();
    await server.drain();
  });
  const context = { channel: open, schema, clock: systemClock };
  const asAdministrator = createClient(UserServiceDefinition, {
    ...context,
    metadata: () => administrator.metadata,
  });
  let made = 0;
  return {
    client: createClient(AuthServiceDefinition, context),
    users: asAdministrator,
    database,
    clock,
    audit,
    async userWith(...roles) {
      made += 1;
      const request = CreateUserRequest.fromPartial({
        user: { email: `holder${made}@example.com`, roles: [...roles] },
      });
      return (await asAdministrator.createUser(request)).user?.userId ?? "";
    },
  };
}

/** Options of a call by this user, with an API key of its when `apiKeyId` is given. */
export function as(userId: string, permissions: readonly string[] = [], apiKeyId = "") {
  const metadata = {
    "test-user": userId,
    "test-permissions": permissions.join(","),
    ...(apiKeyId === "" ? {} : { "test-key": apiKeyId }),
  };
  return { metadata } satisfies CallOptions;
}

export const administrator = as(newId(), permissionsOf(["administrator"]));
export const service = as("service:test", ["auth.verify"]);

const believeTheCaller: Link = (_, next) => (call, input) => {
  const userId = call.metadata.get("test-user");
  const apiKeyId = call.metadata.get("test-key");
  const permissions = new Set(
    call.metadata
      .get("test-permissions")
      ?.split(",")
      .filter((one) => one !== ""),
  );
  const principal = { roles: [], permissions, ...(apiKeyId === undefined ? {} : { apiKeyId }) };
  call.principal = userId === undefined ? undefined : { userId, ...principal };
  return next(call, input);
};
