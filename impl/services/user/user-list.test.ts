import fc from "fast-check";
import { sql } from "kysely";
import { describe, expect, test, vi } from "vitest";
import { createErrorBoundary } from "#impl/runtime/boundary.ts";
import { Call } from "#impl/runtime/call.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { ListUsersRequest, type ListUsersResponse, User, UserState } from "#proto/ecommerce/v1/user.ts";
import { createPageTokens } from "../shared/page-token.ts";
import { admin, as, startUsers } from "./testing/user-fixture.ts";
import { listUsers } from "./user-list.ts";
import { pageQuery, type UserConditions } from "./user-pages.ts";

// Three users are created at each instant: their order must not depend on the time alone.
let created = 0;
const start = Math.floor(systemClock.now() / 1000) * 1000;
const clock = { ...systemClock, now: () => start + Math.floor(created / 3) };
const { client, server, database, store, schema, register } = await startUsers({ clock });

const key = new Uint8Array(32);
/** On a busy machine a poll may take its time. */
const patiently = { timeout: 15_000 };

const people: User[] = [];
for (; created < 20; created++) {
  const n = created;
  const at = { addressLines: ["1 Main St"], city: "Town" };
  people.push(
    await register({
      email: `${n % 2 ? "Odd" : "even"}_${n}@example.com`,
      roles: n % 5 ? ["customer"] : ["customer", "support_agent"],
      profile: {
        addresses: [
          { ...at, label: "home", countryCode: n % 3 ? "GB" : "FR" },
          { ...at, label: "work", countryCode: "DE" },
        ],
      },
    }),
  );
}
const gone = await client.deleteUser({ userId: person(3).userId, etag: "" }, admin);
const suspended = await client.suspendUser({ userId: person(4).userId, reason: "" }, admin);
const present = people.filter((_, n) => n !== 3).map((user, n) => (n === 3 ? suspended.user : user));

function person(n: number): User {
  const user = people[n];
  if (user === undefined) throw new Error(`no person ${n}`);
  return user;
}

type Request = Parameters<typeof ListUsersRequest.fromPartial>[0];

const list = (request: Request, options = {}): AsyncIterable<ListUsersResponse> =>
  client.listUsers(ListUsersRequest.fromPartial(request), { ...admin, ...options });
const listed = async (request: Request): Promise<User[]> =>
  (await Array.fromAsync(list(request))).flatMap(({ users }) => users);
/** The numbers of those who match. */
const matching = async (filter: Request["filter"]) => {
  const ids = new Set((await listed({ filter })).map(({ userId }) => userId));
  return people.flatMap(({ userId }, n) => (ids.has(userId) ? [n] : []));
};
const numbers = (rule: (n: number) => boolean) => people.flatMap((_, n) => (n !== 3 && rule(n) ? [n] : []));

async function firstOf(stream: AsyncIterable<ListUsersResponse>): Promise<ListUsersResponse> {
  for await (const message of stream) return message;
  throw new Error("the stream is empty");
}

describe("the stream", () => {
  test("has every user that is not deleted once, in the order of creation", async () => {
    expect(await listed({})).toEqual(present);
    const times = present.map((user) => user?.createTime?.getTime());
    expect(times).toEqual(times.toSorted());
  });

  test("has each user exactly once for any size of pages and any places where it is resumed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 1, max: 25 }), fc.nat(3))), async (parts) => {
        const ids: string[] = [];
        let resumeToken = "";
        for (const [pageSize, messages] of [...parts, [7, Number.POSITIVE_INFINITY] as const]) {
          let left = messages;
          if (left === 0) continue;
          for await (const message of list({ pageSize, resumeToken })) {
            expect(message.users.length).toBeLessThanOrEqual(pageSize);
            ids.push(...message.users.map(({ userId }) => userId));
            resumeToken = message.resumeToken;
            if (--left === 0) break;
          }
        }
        expect(ids).toEqual(present.map((user) => user?.userId));
      }),
      { numRuns: 12 },
    );
  });

  test("ends without a message when nobody is left", async () => {
    const all = await firstOf(list({ pageSize: 1000 }));
    expect(all.users).toHaveLength(present.length);
    expect(await listed({ resumeToken: all.resumeToken })).toEqual([]);
    expect(await listed({ filter: { emailPrefix: "nobody" } })).toEqual([]);
  });

  test("shows the fields of the mask", async () => {
    const [first] = await listed({ pageSize: 1, readMask: ["email"] });
    expect(first).toEqual(User.fromPartial({ email: person(0).email }));
    await expect(listed({ readMask: ["pin"] })).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: { badRequest: { fieldViolations: [{ field: "read_mask" }] } },
    });
  });

  test("is for readers of users", async () => {
    await expect(listed({})).resolves.not.toHaveLength(0);
    const mine = list({}, as(person(0).userId));
    await expect(firstOf(mine)).rejects.toMatchObject({ code: Code.PERMISSION_DENIED });
  });

  test("splits what would be too large for a message, and loses nobody", async () => {
    const line = "€".repeat(128);
    const addresses = Array.from({ length: 20 }, (_, n) => ({
      label: `${n}`,
      recipient: line,
      addressLines: [line, line, line, line],
      city: line,
      countryCode: "IS",
    }));
    const first = await register({ email: "big@example.com", profile: { addresses } });
    await sql`insert into users.users (user_id, email, profile, roles, state, create_time, update_time)
      select gen_random_uuid(), n || email, profile, roles, state, create_time, update_time
      from users.users, generate_series(1, 49) n where user_id = ${first.userId}`.execute(database.queries);
    const messages = await Array.fromAsync(list({ filter: { countryCode: "IS" }, pageSize: 1000 }));
    expect(messages.length).toBeGreaterThan(1);
    expect(new Set(messages.flatMap(({ users }) => users.map(({ userId }) => userId))).size).toBe(50);
    await sql`delete from users.users where email like '%big%'`.execute(database.queries);
  });
});

describe("the filter", () => {
  test("by state finds the deleted only when asked", async () => {
    const { USER_STATE_ACTIVE, USER_STATE_SUSPENDED, USER_STATE_DELETED } = UserState;
    expect(await matching({ states: [USER_STATE_SUSPENDED] })).toEqual([4]);
    expect(await matching({ states: [USER_STATE_ACTIVE] })).toEqual(numbers((n) => n !== 4));
    expect(await listed({ filter: { states: [USER_STATE_DELETED] } })).toEqual([gone.user]);
    expect(await matching({ states: [USER_STATE_DELETED, USER_STATE_SUSPENDED] })).toEqual([3, 4]);
  });

  test("by role", async () => {
    expect(await matching({ role: "support_agent" })).toEqual(numbers((n) => n % 5 === 0));
    expect(await matching({ role: "customer" })).toEqual(numbers(() => true));
    expect(await matching({ role: "admin" })).toEqual([]);
  });

  test("by the beginning of the e-mail address, without regard to case and to the letter", async () => {
    expect(await matching({ emailPrefix: "ODD" })).toEqual(numbers((n) => n % 2 === 1));
    expect(await matching({ emailPrefix: "even_1" })).toEqual([10, 12, 14, 16, 18]);
    expect(await matching({ emailPrefix: "even%" })).toEqual([]);
    expect(await matching({ emailPrefix: "\\" })).toEqual([]);
  });

  test("by time of creation includes the beginning and excludes the end", async () => {
    const [from, until] = [new Date(start + 2), new Date(start + 4)];
    expect(await matching({ createdAfter: from })).toEqual(numbers((n) => n >= 6));
    expect(await matching({ createdBefore: from })).toEqual(numbers((n) => n < 6));
    expect(await matching({ createdAfter: from, createdBefore: until })).toEqual(
      numbers((n) => n >= 6 && n < 12),
    );
  });

  test("by country of any address", async () => {
    expect(await matching({ countryCode: "FR" })).toEqual(numbers((n) => n % 3 === 0));
    expect(await matching({ countryCode: "DE" })).toEqual(numbers(() => true));
  });

  test("joins its conditions", async () => {
    expect(await matching({ emailPrefix: "even", role: "support_agent", countryCode: "GB" })).toEqual([10]);
  });

  test.each(["createdAfter", "createdBefore"] as const)(
    "with a time %s that is none is refused",
    async (field) => {
      // What a Timestamp far outside of its range becomes on the way in.
      const call = server.ended.at(-1)?.call;
      if (call === undefined) throw new Error("no call has ended");
      const request = ListUsersRequest.fromPartial({ filter: { [field]: new Date(Number.NaN) } });
      const stream = listUsers(
        { store, tokens: createPageTokens({ key, clock }) },
        request,
        call,
        (user) => user,
      );
      await expect(stream.next()).rejects.toMatchObject({
        code: Code.INVALID_ARGUMENT,
        values: { field: field === "createdAfter" ? "filter.created_after" : "filter.created_before" },
      });
    },
  );

  test("with a NUL character is refused", async () => {
    await expect(listed({ filter: { emailPrefix: "\0" } })).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: { badRequest: { fieldViolations: [{ field: "filter.email_prefix" }] } },
    });
  });
});

describe("a resume token", () => {
  test("is refused with another filter, and accepted with the same in another form", async () => {
    const states = [UserState.USER_STATE_ACTIVE, UserState.USER_STATE_SUSPENDED];
    const { resumeToken } = await firstOf(list({ filter: { states }, pageSize: 2 }));
    const refused = {
      code: Code.INVALID_ARGUMENT,
      details: { badRequest: { fieldViolations: [{ field: "resume_token", reason: "token.invalid" }] } },
    };
    for (const filter of [undefined, { states, role: "customer" }]) {
      await expect(listed({ filter, resumeToken })).rejects.toMatchObject(refused);
    }
    const rest = await listed({ filter: { states: states.toReversed() }, resumeToken });
    expect(rest).toEqual(present.slice(2));
    await expect(listed({ resumeToken: "made up" })).rejects.toMatchObject(refused);
  });

  test("is with the call, for when it is ended from outside", async () => {
    const tokens: string[] = [];
    for await (const { resumeToken } of list({ pageSize: 5 })) tokens.push(resumeToken);
    await expect.poll(() => server.ended.at(-1)?.call.resumeToken, patiently).toBe(tokens.at(-1));
  });
});

describe("a caller that leaves", () => {
  test("ends the query in the database", async () => {
    const locker = await database.queries.startTransaction().execute();
    await sql`lock table users.users in access exclusive mode`.execute(locker);
    const waiting = async () => {
      const { rows } = await sql`select from pg_stat_activity
        where wait_event_type = 'Lock' and query like '%users%'`.execute(database.queries);
      return rows.length;
    };
    try {
      const abort = new AbortController();
      const stream = firstOf(list({}, { signal: abort.signal }));
      await expect.poll(waiting, patiently).toBe(1);
      abort.abort();
      await expect(stream).rejects.toMatchObject({ code: Code.CANCELLED });
      await expect.poll(waiting, patiently).toBe(0);
    } finally {
      await locker.rollback().execute();
    }
  });
});

test("each condition is answered by the index that was made for it", async () => {
  const plan = (conditions: Partial<UserConditions>) =>
    database.queries.transaction().execute(async (transaction) => {
      await sql`set local enable_seqscan = off; set local enable_indexscan = off`.execute(transaction);
      const query = pageQuery(transaction, {
        conditions: { ...all, ...conditions },
        after: undefined,
        limit: 9,
      });
      const { rows } = await sql<{ "QUERY PLAN": string }>`explain ${query}`.execute(transaction);
      return rows.map((row) => row["QUERY PLAN"]).join("\n");
    });
  const all: UserConditions = {
    ...{ states: [], role: "", emailPrefix: "", countryCode: "" },
    ...{ createdAfter: undefined, createdBefore: undefined },
  };
  expect(await plan({ emailPrefix: "ada" })).toContain("users_email");
  expect(await plan({ role: "admin" })).toContain("users_roles");
  expect(await plan({ countryCode: "GB" })).toContain("users_countries");
  expect(await plan({ createdAfter: new Date() })).toContain("users_created");
});

test("the next batch is read when it is asked for, and not before", async () => {
  const method = schema.methods.get("/ecommerce.v1.UserService/ListUsers");
  if (method === undefined) throw new Error("no ListUsers");
  const environment = { clock, log: recordingLogger([]), boundary: createErrorBoundary({ domain: "test" }) };
  const call = new Call(method, { get: () => undefined }, "test", Number.POSITIVE_INFINITY, environment);
  const page = vi.fn(store.page);
  const request = ListUsersRequest.fromPartial({ pageSize: 8 });
  const tokens = createPageTokens({ key, clock });
  const stream = listUsers({ store: { ...store, page }, tokens }, request, call, (user) => user);
  for (const [batch, size] of [8, 8, 3].entries()) {
    const { value } = await stream.next();
    expect(value).toMatchObject({ users: { length: size }, resumeToken: call.nextResumeToken });
    expect(page).toHaveBeenCalledTimes(batch + 1);
  }
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(page).toHaveBeenCalledTimes(3);
});
