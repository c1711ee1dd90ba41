// UserService: each handler as its business steps. Access by the policy of the method and the rules of fields were checked
// before it runs; what is checked here is what those cannot say.
import { isDeepStrictEqual } from "node:util";
import type { Audit } from "#impl/observability/audit.ts";
import type { Call } from "#impl/runtime/call.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import { implement, type ServiceImplementation } from "#impl/runtime/service.ts";
import {
  CreateUserRequest,
  CreateUserResponse,
  type GetUserRequest,
  type GetUserResponse,
  UpdateUserRequest,
  UpdateUserResponse,
  User as UserMessage,
  UserServiceDefinition,
} from "#proto/ecommerce/v1/user.ts";
import { requireEtag } from "../shared/etag.ts";
import { type FieldMasks, fieldMasks } from "../shared/field-mask.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import {
  defaultRole,
  isDeleted,
  type NewUser,
  rolesAtCreation,
  sameRoles,
  type User,
  userType,
} from "./user.ts";
import { createUserAccess, type UserAccess } from "./user-access.ts";
import { batchGetUsers } from "./user-batch.ts";
import type { UserCredentials } from "./user-credentials.ts";
import { emailTaken, passwordNotAvailable, unknownRoles, userNotFound } from "./user-errors.ts";
import { listUsers } from "./user-list.ts";
import { toMessage } from "./user-message.ts";
import { createUserRevocations, type UserRevocations } from "./user-revocations.ts";
import { createStateChanges } from "./user-state-changes.ts";
import type { UserStore, UserWriter } from "./user-store.ts";

export type UserServiceOptions = {
  readonly store: UserStore;
  readonly schema: Schema;
  readonly newId: NewId;
  readonly audit: Audit;
  /** For resume tokens. */
  readonly tokens: PageTokens;
  /** Every role that a user can hold, "customer" among them. */
  readonly knownRoles: ReadonlySet<string>;
  /** Without it no user is given a password, and what was issued to one that changes works until it expires. */
  readonly credentials?: UserCredentials;
  /** False only when authentication is switched off, so that nobody is known: then everyone may do everything. */
  readonly accessChecked: boolean;
};

type Context = UserServiceOptions & {
  readonly access: UserAccess;
  readonly masks: FieldMasks<UserMessage>;
  readonly revocations: UserRevocations | undefined;
};

export function createUserService(options: UserServiceOptions): ServiceImplementation {
  const type = options.schema.registry.getMessage(userType);
  if (type === undefined) throw new Error(`the schema has no ${userType}`);
  const { store, credentials } = options;
  const context: Context = {
    ...options,
    revocations: credentials === undefined ? undefined : createUserRevocations({ store, credentials }),
    access: createUserAccess(options.accessChecked),
    masks: fieldMasks<UserMessage>(type, ["email", "roles", "profile"]),
  };
  return implement(UserServiceDefinition, {
    getUser: (request, call) => getUser(context, request, call),
    createUser: (request, call) => createUser(context, request, call),
    updateUser: (request, call) => updateUser(context, request, call),
    listUsers: (request, call) => listUsers(context, request, call, context.masks.view(request.readMask)),
    batchGetUsers: (request, call) =>
      batchGetUsers(context.store, request, call, context.masks.view(request.readMask)),
    ...createStateChanges(store, context.revocations),
  });
}

async function getUser(
  { store, access, masks }: Context,
  { userId, readMask }: GetUserRequest,
  call: Call,
): Promise<GetUserResponse> {
  const view = masks.view(readMask);
  const user = await store.find(userId, call.signal);
  if (user === undefined || !access.maySee(user, call.principal)) throw userNotFound(userId);
  return { user: view(toMessage(user)) };
}

async function createUser(
  context: Context,
  request: CreateUserRequest,
  call: Call,
): Promise<CreateUserResponse> {
  const { store, access, knownRoles } = context;
  const sent = withoutTimes(request.user);
  const user = newUser(context, sent);
  access.requireRolesAtCreation(user.roles, call.principal);
  requireKnownRoles(user.roles, knownRoles);
  const { requestId } = request;
  const password = await setPassword(context, user, request.password, call);
  const compared = { ...request, user: sent, password: password.tag, requestId: "" };
  const content = CreateUserRequest.encode(compared).finish();
  const { userId, roles } = user;
  let created = false;
  const work = async (writer: UserWriter): Promise<CreateUserResponse> => {
    if (!password.set) throw emailTaken();
    const inserted = await writer.insert(user);
    created = true;
    return { user: toMessage(inserted) };
  };
  const response = await store.writeOnce({ call, requestId, content, response: CreateUserResponse }, work);
  if (created && !sameRoles(roles, [defaultRole])) {
    context.audit.record({ event: "roles_changed", outcome: "ok", userId, roles }, call);
  }
  return response;
}

/**
 * The password of a user that is about to be created: before it, so that there is never a user without the password that was asked for.
 * Whoever dies in between leaves a password of nobody. It is not set where the e-mail address is taken: then the request is a repeat, or
 * nobody will be created.
 */
async function setPassword(
  { store, credentials }: Context,
  { userId, email }: NewUser,
  password: string,
  call: Call,
): Promise<{ readonly set: boolean; readonly tag: string }> {
  if (password === "") return { set: true, tag: "" };
  if (credentials === undefined) throw passwordNotAvailable();
  const { size: taken } = await store.findAllByEmail([email], call.signal);
  if (taken === 0) await credentials.setFirstPassword(userId, password, call);
  return { set: taken === 0, tag: credentials.passwordTag(password) };
}

function newUser({ newId }: Context, { email, profile, roles }: UserMessage): NewUser {
  requireStorableText({ email, profile, roles }, "user");
  return { userId: newId(), email, profile, roles: rolesAtCreation(roles) };
}

async function updateUser(
  { store, access, masks, knownRoles, audit, revocations }: Context,
  request: UpdateUserRequest,
  call: Call,
): Promise<UpdateUserResponse> {
  const { requestId, updateMask } = request;
  const patch = withoutTimes(request.user);
  const { userId } = patch;
  requireStorableText(patch, "user");
  const content = UpdateUserRequest.encode({ ...request, user: patch, requestId: "" }).finish();
  // Undefined unless this call changes them: for a repeat the work does not run.
  let roles: readonly string[] | undefined;
  const work = async (writer: UserWriter): Promise<UpdateUserResponse> => {
    const user = await writer.lock(userId);
    if (user === undefined || isDeleted(user)) throw userNotFound(userId);
    requireEtag(patch.etag, user.version, userType, userId);
    const before = toMessage(user);
    const after = masks.update(before, patch, updateMask);
    access.requireRolesAtUpdate(before.roles, after.roles, call.principal);
    const sameAsBefore = sameRoles(before.roles, after.roles);
    if (!sameAsBefore) requireKnownRoles(after.roles, knownRoles);
    roles = sameAsBefore ? undefined : after.roles;
    const unchanged = isDeepStrictEqual(before, after);
    return { user: unchanged ? before : toMessage(await writer.update(user, after)) };
  };
  const response = await store.writeOnce({ call, requestId, content, response: UpdateUserResponse }, work);
  if (roles !== undefined) {
    audit.record({ event: "roles_changed", outcome: "ok", userId, roles }, call);
    await revocations?.now(userId, call);
  }
  return response;
}

function requireKnownRoles(roles: User["roles"], known: ReadonlySet<string>): void {
  if (!roles.every((role) => known.has(role))) throw unknownRoles(roles, known);
}

/** Times of a user are output only, and one that no Date can hold must not get any further. */
function withoutTimes(user = UserMessage.create()): UserMessage {
  return { ...user, createTime: undefined, updateTime: undefined, deleteTime: undefined };
}
