// The stream of ListUsers: reads a batch, sends it, and reads the next when there is room for it; never more than one is
// held. Every message says where to go on after it, and so does the call, for the case that it is ended from outside.
import type { Call } from "#impl/runtime/call.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import type {
  ListUsersRequest,
  ListUsersResponse,
  UserFilter,
  User as UserMessage,
} from "#proto/ecommerce/v1/user.ts";
import type { PageTokens, TokenUse } from "../shared/page-token.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import type { User } from "./user.ts";
import { bytesAtMost, toMessage } from "./user-message.ts";
import type { UserConditions, UserPosition } from "./user-pages.ts";
import type { UserStore } from "./user-store.ts";

const defaultPageSize = 100;
const largestPageSize = 1_000;
/** A message that is larger than a caller takes would fail the stream. */
const maxMessageBytes = 2 * 1024 * 1024;

export type UserListing = { readonly store: UserStore; readonly tokens: PageTokens };

export async function* listUsers(
  { store, tokens }: UserListing,
  request: ListUsersRequest,
  call: Call,
  view: (user: UserMessage) => UserMessage,
): AsyncGenerator<ListUsersResponse> {
  const conditions = conditionsOf(request.filter);
  requireStorableText(conditions, "filter");
  requireTime(conditions.createdAfter, "filter.created_after");
  requireTime(conditions.createdBefore, "filter.created_before");
  const use = tokenUse(conditions);
  const limit = Math.min(request.pageSize === 0 ? defaultPageSize : request.pageSize, largestPageSize);
  let after = request.resumeToken === "" ? undefined : toPosition(tokens.open(use, request.resumeToken));
  call.resumeToken = request.resumeToken === "" ? undefined : request.resumeToken;
  for (;;) {
    const users = await store.page({ conditions, after, limit }, call.signal);
    for (const { messages, last } of batches(users)) {
      const resumeToken = tokens.seal(use, fromPosition(last));
      call.nextResumeToken = resumeToken;
      after = last;
      yield { users: messages.map(view), resumeToken };
    }
    if (users.length < limit) return;
  }
}

function conditionsOf(filter: UserFilter | undefined): UserConditions {
  return {
    states: filter?.states.toSorted((one, other) => one - other) ?? [],
    role: filter?.role ?? "",
    emailPrefix: filter?.emailPrefix ?? "",
    createdAfter: filter?.createdAfter,
    createdBefore: filter?.createdBefore,
    countryCode: filter?.countryCode ?? "",
  };
}

/** The range of a Timestamp on the wire is wider than that of a Date. */
function requireTime(time: Date | undefined, field: string): void {
  if (time === undefined || !Number.isNaN(time.getTime())) return;
  throw invalidArgument([
    { field, description: "must be a time of the years 1 to 9999", reason: "timestamp" },
  ]);
}

/** The token is bound to the conditions, not to the size of the pages or the fields in them. */
function tokenUse(conditions: UserConditions): TokenUse {
  return { purpose: "users.list.1", field: "resume_token", boundTo: JSON.stringify(conditions) };
}

function fromPosition({ createTime, userId }: UserPosition): string {
  return `${createTime.getTime()} ${userId}`;
}

function toPosition(position: string): UserPosition {
  const [time, userId = ""] = position.split(" ");
  return { createTime: new Date(Number(time)), userId };
}

type Batch = { readonly messages: readonly UserMessage[]; readonly last: User };

/** Cut where a message would become too large; a single user never is. */
function* batches(users: readonly User[]): Generator<Batch> {
  let messages: UserMessage[] = [];
  let last: User | undefined;
  let bytes = 0;
  for (const user of users) {
    const message = toMessage(user);
    const more = bytesAtMost(message);
    if (last !== undefined && bytes + more > maxMessageBytes) {
      yield { messages, last };
      messages = [];
      bytes = 0;
    }
    messages.push(message);
    last = user;
    bytes += more;
  }
  if (last !== undefined) yield { messages, last };
}
