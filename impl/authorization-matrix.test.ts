// Who may call what: every method of the contract by every kind of caller, on the whole system over the wire. What is expected is read from
// the policies here once more, in a few lines that share nothing with the links that enforce them. The requests are ones that nobody can make
// sense of: INVALID_ARGUMENT shows that a call got through to where they are looked at, as does UNIMPLEMENTED of a service that is not there;
// any other code shows that it did not.
import { readdirSync, readFileSync } from "node:fs";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import { beforeAll, expect, test } from "vitest";
import {
  AuthServiceDefinition,
  CreateApiKeyRequest,
  type CreateApiKeyResponse,
} from "#proto/ecommerce/v1/auth.ts";
import { AccessPolicy } from "#proto/ecommerce/v1/policy.ts";
import { CreateUserRequest, UserServiceDefinition } from "#proto/ecommerce/v1/user.ts";
import { readContract } from "../proto/contract.ts";
import { ROLES } from "./auth/roles.ts";
import { CallError } from "./client/call-error.ts";
import { createClient } from "./client/client.ts";
import { systemClock } from "./runtime/clock.ts";
import { newId } from "./runtime/ids.ts";
import { Code } from "./runtime/status.ts";
import { callBytes } from "./testing/call-bytes.ts";
import { startTestSystem } from "./testing/running-system.ts";

type Metadata = Readonly<Record<string, string>>;

interface Caller {
  readonly credentials: Metadata;
  readonly believed: boolean;
  readonly permitted: boolean;
  readonly isKey: boolean;
  /** The user id that it has, where it is asked for what is its own; else somebody else's is named. */
  readonly owner?: string;
}

const contract = readContract(readFileSync(new URL("../proto/gen/image.binpb", import.meta.url)));
const methods = contract.services.flatMap((service) =>
  service.methods.map(({ name, policy, kind, input }) => ({
    path: `/${service.name}/${name}`,
    access: AccessPolicy.fromPartial(policy?.access ?? {}),
    kind,
    input,
    requestStream: kind === "client_streaming" || kind === "bidi_streaming",
    responseStream: kind === "server_streaming" || kind === "bidi_streaming",
  })),
);
type Method = (typeof methods)[number];

const asked = new Set(methods.flatMap(({ access }) => access.permissions));
const everything = [...asked].sort();
const { system, channel, bearer } = await startTestSystem();
const { schema } = system;
const administrator = await bearer("service:test", [...everything, "users.assign_roles"]);
const context = { channel, schema, clock: systemClock, metadata: () => administrator };
const users = createClient(UserServiceDefinition, context);
const auth = createClient(AuthServiceDefinition, context);

/** No UUID, so that what it owns is refused by the first look at the request, and no earlier. */
const SELF = "self";
const SOMEBODY_ELSE = "somebody-else";
const MALFORMED = Uint8Array.of(0xff);

const holder = await userWithEveryPermission();
const keys = new Map<string, CreateApiKeyResponse>();
const expired = await makeShortKey(100);
const revoked = await makeKey(everything);
const revokedUser = newId();
const revokedToken = await bearer(revokedUser, everything);

// Both are in use, and so known to the process, before they are revoked; it hears of that over the wire.
beforeAll(async () => {
  const path = "/ecommerce.v1.InventoryService/GetStock";
  const ask = async (credentials: Metadata): Promise<string> => {
    const method = { path, requestStream: false, responseStream: false };
    return (await callBytes(channel, method, MALFORMED, credentials)).code;
  };
  const both = [revokedToken, { "x-api-key": revoked.secret }];
  for (const credentials of both) expect(await ask(credentials)).toBe("INVALID_ARGUMENT");
  await auth.revokeApiKey({ apiKeyId: revoked.apiKey?.apiKeyId ?? "" });
  await auth.revokeUser({ userId: revokedUser, endSessions: true });
  for (const credentials of [...both, { "x-api-key": expired.secret }])
    while ((await ask(credentials)) !== "UNAUTHENTICATED");
});

async function userWithEveryPermission(): Promise<string> {
  const user = { email: "holder@example.com", roles: ["administrator"] };
  return (await users.createUser(CreateUserRequest.fromPartial({ user }))).user?.userId ?? "";
}

async function makeKey(scopes: readonly string[], more = {}): Promise<CreateApiKeyResponse> {
  const key = { userId: holder, displayName: "a key", scopes: [...scopes], ...more };
  return auth.createApiKey(CreateApiKeyRequest.fromPartial(key));
}

/** A key of so short a life that it is over soon; longer where the machine is so slow that it would be over before it begins. */
async function makeShortKey(lifeMs: number): Promise<CreateApiKeyResponse> {
  const expireTime = new Date(systemClock.now() + lifeMs);
  return makeKey(everything, { expireTime }).catch((error: unknown) => {
    if (error instanceof CallError && error.code === Code.INVALID_ARGUMENT) return makeShortKey(2 * lifeMs);
    throw error;
  });
}

/** A key of these scopes, made once. */
async function keyOf(scopes: readonly string[]): Promise<Metadata> {
  const name = scopes.join(" ");
  const key = keys.get(name) ?? (await makeKey(scopes));
  keys.set(name, key);
  return { "x-api-key": key.secret };
}

const refusedCaller = (credentials: Metadata): Caller => ({
  credentials,
  believed: false,
  permitted: true,
  isKey: false,
});

async function callersOf({ access }: Method): Promise<Readonly<Record<string, Caller>>> {
  const required = access.permissions;
  const others = everything.filter((permission) => !required.includes(permission));
  const known = { believed: true, permitted: false, isKey: false };
  const token = await bearer(SELF, required);
  const key = await keyOf(required.length > 0 ? required : everything.slice(0, 1));
  return {
    nobody: { ...known, credentials: {}, believed: false },
    "a token that is none": refusedCaller({ authorization: "Bearer abc" }),
    "another scheme": refusedCaller({ authorization: "Basic YTpi" }),
    "an expired token": refusedCaller(await bearer(SELF, required, -60)),
    "a revoked token": refusedCaller(revokedToken),
    "a key that is none": refusedCaller({ "x-api-key": "gec_abc" }),
    "an expired key": refusedCaller({ "x-api-key": expired.secret }),
    "a revoked key": refusedCaller({ "x-api-key": revoked.secret }),
    "a token and a key": refusedCaller({ ...token, ...key }),
    "a delegation without a service": refusedCaller({ ...token, "x-on-behalf-of": SELF }),
    "no permission": { ...known, credentials: await bearer(SELF, []) },
    "all other permissions": { ...known, credentials: await bearer(SELF, others) },
    "the owner": { ...known, credentials: await bearer(SELF, others), owner: SELF },
    permitted: { ...known, credentials: token, permitted: true },
    "a key of other scopes": { ...known, credentials: await keyOf(others), isKey: true },
    "a key of other scopes, the owner": {
      ...known,
      credentials: await keyOf(others),
      isKey: true,
      owner: holder,
    },
    "a key of the scopes": { ...known, credentials: key, permitted: true, isKey: true },
  };
}

const REACHED = expect.stringMatching(
  /^(INVALID_ARGUMENT INVALID_REQUEST|UNIMPLEMENTED METHOD_NOT_IMPLEMENTED)$/,
);

/** What the policy says of the caller: the whole rule of access. */
function expected({ access }: Method, caller: Caller): string | RegExp {
  const anonymous = Object.keys(caller.credentials).length === 0;
  if (anonymous) return access.public ? REACHED : "UNAUTHENTICATED CREDENTIALS_MISSING";
  if (!caller.believed)
    return expect.stringMatching(/^UNAUTHENTICATED (TOKEN|API_KEY|CREDENTIALS|DELEGATION)_/);
  if (access.public || access.authenticated || caller.permitted) return REACHED;
  const ownAllowed = access.owner?.resource === true || (access.owner !== undefined && caller.owner === SELF);
  return ownAllowed && !caller.isKey ? REACHED : "PERMISSION_DENIED PERMISSION_MISSING";
}

/** Of a method whose request names the owner, one that names it; else no message at all. */
function requestOf({ access, input }: Method, { owner = SOMEBODY_ELSE }: Caller): Uint8Array {
  const path = access.owner?.requestField ?? "";
  const type = schema.registry.getMessage(input);
  if (path === "" || type === undefined) return MALFORMED;
  const json = path.split(".").reduceRight<string | object>((inner, name) => ({ [name]: inner }), owner);
  return toBinary(type, fromJson(type, json as Record<string, string>));
}

test.each(methods)("$path", async (method) => {
  const callers = Object.entries(await callersOf(method));
  const outcomes = await Promise.all(
    callers.map(async ([name, caller]) => {
      const outcome = await callBytes(channel, method, requestOf(method, caller), caller.credentials);
      return [name, `${outcome.code} ${outcome.reason}`];
    }),
  );
  const rules = callers.map(([name, caller]) => [name, expected(method, caller)]);
  expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(rules));
});

test("the methods are of all four kinds, and of every kind of access", () => {
  const kinds = new Set(methods.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(["bidi_streaming", "client_streaming", "server_streaming", "unary"]);
  const {
    public: open = [],
    authenticated = [],
    owner = [],
  } = Object.groupBy(methods, ({ access }) =>
    access.public
      ? "public"
      : access.authenticated
        ? "authenticated"
        : access.owner
          ? "owner"
          : "permissions",
  );
  for (const some of [open, authenticated, owner]) expect(some.length).toBeGreaterThan(0);
});

test("every permission of a policy is granted by a role, and every permission of a role is in the contract", () => {
  const granted = new Set<string>(Object.values(ROLES).flat());
  expect(everything.filter((permission) => !granted.has(permission))).toEqual([]);
  const folder = new URL("../proto/ecommerce/v1/", import.meta.url);
  // Some rules of access need more than a policy can say: they are in comments.
  const text = readdirSync(folder)
    .map((file) => readFileSync(new URL(file, folder), "utf8"))
    .join("\n");
  expect([...granted].filter((permission) => !asked.has(permission) && !text.includes(permission))).toEqual(
    [],
  );
});
