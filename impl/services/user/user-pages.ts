// Users in the order of their creation, a page at a time. A page begins after a position, not after a number of users, so
// that none comes twice and the last page costs no more than the first.
import { type Kysely, sql } from "kysely";
import { defaultRole, type User, UserState } from "./user.ts";
import { type UserTables, userColumns, userOf } from "./user-tables.ts";

/** Between the users with this one and the next. */
export type UserPosition = Pick<User, "createTime" | "userId">;

/** An empty condition does not restrict. */
export type UserConditions = {
  /** Empty means all but the deleted. */
  readonly states: readonly UserState[];
  readonly role: string;
  readonly emailPrefix: string;
  /** At this time or later. */
  readonly createdAfter: Date | undefined;
  readonly createdBefore: Date | undefined;
  readonly countryCode: string;
};

export type UserPage = {
  readonly conditions: UserConditions;
  /** Undefined means from the start. */
  readonly after: UserPosition | undefined;
  readonly limit: number;
};

type Select = ReturnType<typeof selectUsers>;

export function preparePages(
  queries: Kysely<UserTables>,
): (page: UserPage, signal: AbortSignal) => Promise<readonly User[]> {
  return async (page, signal) => (await pageQuery(queries, page).execute({ signal })).map(userOf);
}

export function pageQuery(queries: Kysely<UserTables>, { conditions, after, limit }: UserPage): Select {
  const query = restrict(selectUsers(queries), conditions)
    .orderBy("create_time")
    .orderBy("user_id")
    .limit(limit);
  if (after === undefined) return query;
  const { createTime, userId } = after;
  return query.where(sql<boolean>`(create_time, user_id) > (${createTime}::timestamptz, ${userId}::uuid)`);
}

function selectUsers(queries: Kysely<UserTables>) {
  return queries.selectFrom("users.users").select(userColumns);
}

function restrict(select: Select, conditions: UserConditions): Select {
  const { states, role, emailPrefix, createdAfter, createdBefore, countryCode } = conditions;
  const notDeleted = sql<boolean>`state <> ${sql.lit(UserState.USER_STATE_DELETED)}`;
  let query = select;
  // Written out where it can be: the planner takes an index with a condition only for a query that states it.
  if (!states.includes(UserState.USER_STATE_DELETED)) query = query.where(notDeleted);
  if (states.length > 0) query = query.where(sql<boolean>`state = any(${states}::smallint[])`);
  if (role !== "") query = query.where(sql<boolean>`roles @> array[${role}::text]`);
  if (role !== "" && role !== defaultRole) query = query.where(sql<boolean>`roles <> '{customer}'`);
  if (emailPrefix !== "") {
    query = query.where(sql<boolean>`lower(email) like ${`${likeLiterally(emailPrefix)}%`}`);
  }
  if (createdAfter !== undefined) query = query.where("create_time", ">=", createdAfter);
  if (createdBefore !== undefined) query = query.where("create_time", "<", createdBefore);
  if (countryCode !== "") {
    query = query.where(
      sql<boolean>`jsonb_path_query_array(profile, '$.addresses[*].countryCode') ? ${countryCode}`,
    );
  }
  return query;
}

function likeLiterally(text: string): string {
  return text.toLowerCase().replaceAll(/[\\%_]/g, "\\$&");
}
