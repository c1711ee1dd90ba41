// Sessions on a database of their own beside a real UserService, called over the wire with real tokens: what AuthService signs is verified
// by the keys that it publishes, and refused by the revocations that it streams. Passwords are hashed cheaply.
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll } from "vitest";
import { createTokenVerifier, type VerifyToken } from "#impl/auth/access-token.ts";
import { createPasswordHasher, type HashParameters, type PasswordHasher } from "#impl/auth/password-hash.ts";
import { type RevocationFeed, startRevocationFeed } from "#impl/auth/revocation-feed.ts";
import { createRevocationSet, type RevocationSet } from "#impl/auth/revocation-set.ts";
import { permissionsOf } from "#impl/auth/roles.ts";
import { signToken } from "#impl/auth/sign-token.ts";
import { anyOf, fetchedKeys, sharedSecret } from "#impl/auth/trusted-keys.ts";
import { type CallOptions, type ClientOf, createClient } from "#impl/client/client.ts";
import { authenticate } from "#impl/middleware/authenticate.ts";
import { authorize } from "#impl/middleware/authorize.ts";
import { validate } from "#impl/middleware/validate.ts";
import { createAudit } from "#impl/observability/audit.ts";
import { type MemoryOutput, memoryOutput } from "#impl/observability/testing/memory-output.ts";
import { type Clock, systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { implement } from "#impl/runtime/service.ts";
import {
  ecommerceSchema,
  type LogLine,
  recordingLogger,
  startTestServer,
} from "#impl/runtime/testing/test-server.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { AuthServiceDefinition, type LoginResponse, type TokenSet } from "#proto/ecommerce/v1/auth.ts";
import { CreateUserRequest, type User, UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { createPageTokens } from "../../shared/page-token.ts";
import { createSecretBox } from "../../shared/secret-box.ts";
import { createUserCredentials } from "../../user/user-credentials.ts";
import { createUserRevocations, type UserRevocations } from "../../user/user-revocations.ts";
import { createUserService } from "../../user/user-service.ts";
import { createUserStore, type UserStore } from "../../user/user-store.ts";
import { usersSchema } from "../../user/user-tables.ts";
import { createAccountStore } from "../account-store.ts";
import { type AccountUsers, createAccountUsers } from "../account-users.ts";
import { type AttemptLimits, createAttempts } from "../attempt-limits.ts";
import { authSchema } from "../auth-tables.ts";
import { createPasswordMethods } from "../password-methods.ts";
import { publishedKeys } from "../published-keys.ts";
import { createRevocations } from "../revocations.ts";
import { createSessionMethods, type SessionNeeds } from "../session-methods.ts";
import { createSessionStore, type SessionStore } from "../session-store.ts";
import { createSigningKeys, type SigningKeys } from "../signing-keys.ts";
import { createTokenIssuer } from "../token-issuer.ts";
import { watchRevocations } from "../watch-revocations.ts";

const schema = ecommerceSchema();
const ours = [...schema.methods].filter(([path]) => /\.(Auth|User)Service\//.test(path));
const checkFields = validate({ ...schema, methods: new Map(ours) });

export const PASSWORD = "correct horse battery";
export const CHEAP: HashParameters = { memoryKib: 64, passes: 1, lanes: 1 };
export const ACCESS_TOKEN_SECONDS = 900;
export const REFRESH_TOKEN_MS = 30 * 86_400_000;
export const SESSIONS_PER_USER = 12;
export const ROTATION_MS = 30 * 86_400_000;
/** Of tokens that a test shall not lose when it moves time. */
const YEAR_SECONDS = 365 * 86_400;

export interface SessionFixture {
  readonly auth: ClientOf<AuthServiceDefinition>;
  readonly users: ClientOf<UserServiceDefinition>;
  readonly database: TestDatabase<unknown>;
  /** Of the services and of the verifier. */
  readonly clock: Clock;
  /** Moves it on. */
  pass(ms: number): void;
  readonly hasher: PasswordHasher;
  readonly needs: SessionNeeds;
  readonly sessions: SessionStore;
  readonly accountUsers: AccountUsers;
  readonly signingKeys: SigningKeys;
  readonly userStore: UserStore;
  readonly userRevocations: UserRevocations;
  readonly verify: VerifyToken;
  readonly revocations: RevocationSet;
  readonly feed: RevocationFeed;
  readonly audit: MemoryOutput;
  readonly logged: readonly LogLine[];
  /** A new user with PASSWORD. */
  register(content?: { readonly email?: string; readonly roles?: readonly string[] }): Promise<User>;
  login(email: string, password?: string): Promise<LoginResponse & { readonly tokens: TokenSet }>;
}

export interface SessionFixtureOptions {
  readonly limits?: Partial<AttemptLimits>;
  readonly hasher?: PasswordHasher;
}

/** Call it at the top of a test file: it cleans up after its last test. */
export async function startSessions(options: SessionFixtureOptions = {}): Promise<SessionFixture> {
  const database = await testDatabase<unknown>({ migrations: [usersSchema, authSchema] });
  const events = await testEventLog(database, authSchema.schema);
  let passedMs = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + passedMs,
    monotonic: () => systemClock.monotonic() + passedMs,
  };
  const logged: LogLine[] = [];
  const log = recordingLogger(logged);
  const audit = memoryOutput();
  const parts = { audit: createAudit({ clock, output: audit }), clock, newId, accessChecked: true };
  const tokens = createPageTokens({ key: new Uint8Array(32).fill(7), clock });
  let channel: Client | undefined;
  const context = (metadata: () => Record<string, string>) => ({
    schema,
    clock: systemClock,
    metadata,
    get channel() {
      if (channel === undefined) throw new Error("the fixture has not started");
      return channel;
    },
  });
  const staff = { keyId: "staff", algorithm: "HS256", privateKey: Buffer.alloc(32, 5) } as const;
  const tokenOf = (userId: string, roles: string[]) =>
    signToken(
      staff,
      { userId, roles, permissions: permissionsOf(roles), lifetimeSeconds: YEAR_SECONDS },
      systemClock,
    );
  const asService = bearer(await tokenOf("service:test", ["service"]));
  const administrator = bearer(await tokenOf(newId(), ["administrator"]));
  const serviceContext = context(() => asService.metadata);
  const authAsService = createClient(AuthServiceDefinition, serviceContext);

  const revocations = createRevocations({ database, events, clock });
  const sessions = createSessionStore({
    database,
    revocations,
    clock,
    refreshTokenMs: REFRESH_TOKEN_MS,
    maxPerUser: SESSIONS_PER_USER,
  });
  const secrets = createSecretBox([new Uint8Array(32).fill(9)]);
  const signingKeys = createSigningKeys({ database, secrets, clock, rotationMs: ROTATION_MS });
  const accountUsers = createAccountUsers(createClient(UserServiceDefinition, serviceContext));
  const needs = {
    ...parts,
    accounts: createAccountStore({ database, revocations, clock }),
    sessions,
    users: accountUsers,
    attempts: createAttempts({ database, clock, limits: options.limits ?? {} }),
    hasher: options.hasher ?? createPasswordHasher({ parameters: CHEAP }),
    issueTokens: createTokenIssuer({
      signingKey: signingKeys.current,
      accessTokenSeconds: ACCESS_TOKEN_SECONDS,
      clock,
      newId,
    }),
  };
  const set = createRevocationSet({ clock });
  const verify = createTokenVerifier({
    keys: anyOf([
      sharedSecret(staff.keyId, staff.privateKey),
      fetchedKeys({ fetch: () => authAsService.getJwks({}), clock, log }),
    ]),
    algorithms: ["EdDSA", "HS256"],
    clock,
    revocations: set,
  });
  const userStore = createUserStore(database, { clock });
  const userCredentials = createUserCredentials({ auth: authAsService, tagKey: new Uint8Array(32).fill(3) });
  const server = await startTestServer({
    schema,
    services: [
      implement(AuthServiceDefinition, {
        ...createSessionMethods(needs),
        ...createPasswordMethods(needs),
        getJwks: (_, call) => publishedKeys(signingKeys, call),
        watchRevocations: (request, call) => watchRevocations({ revocations, events, tokens }, request, call),
      }),
      createUserService({
        ...parts,
        store: userStore,
        schema,
        tokens,
        knownRoles: new Set(["customer", "support_agent", "administrator"]),
        credentials: userCredentials,
      }),
    ],
    links: [authenticate({ token: verify, apiKey: refuse, delegation: refuse }), authorize, checkFields],
    translators: [storageToRpcError],
    clock,
  });
  const open = new Client(server.address, credentials.createInsecure());
  channel = open;
  const feed = startRevocationFeed({
    watch: authAsService.watchRevocations,
    revocations: set,
    clock: systemClock,
    log,
    random: () => 0,
  });
  afterAll(async () => {
    await feed.stop();
    open.close();
    await server.drain();
  });
  const auth = createClient(
    AuthServiceDefinition,
    context(() => ({})),
  );
  const users = createClient(
    UserServiceDefinition,
    context(() => administrator.metadata),
  );
  let registered = 0;
  return {
    auth,
    users,
    database,
    clock,
    pass(ms) {
      passedMs += ms;
    },
    hasher: needs.hasher,
    needs,
    sessions,
    accountUsers,
    signingKeys,
    userStore,
    userRevocations: createUserRevocations({ store: userStore, credentials: userCredentials }),
    verify,
    revocations: set,
    feed,
    audit,
    logged,
    async register({ email, roles = [] } = {}) {
      const user = { email: email ?? `someone${++registered}@example.com`, roles: [...roles] };
      const request = CreateUserRequest.fromPartial({ user, password: PASSWORD });
      return given((await users.createUser(request)).user);
    },
    async login(email, password = PASSWORD) {
      const response = await auth.login({ email, password, deviceLabel: "" });
      return { ...response, tokens: given(response.tokens) };
    },
  };
}

/** Options of a call with this access token. */
export function bearer(accessToken: string) {
  return { metadata: { authorization: `Bearer ${accessToken}` } } satisfies CallOptions;
}

export function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the response lacks what was expected in it");
  return value;
}

function refuse(): never {
  throw new Error("no test sends such credentials");
}
