// The tables of users as rows, and a row as a user.
import type { Generated, JSONColumnType, Selectable } from "kysely";
import type { MigrationOptions } from "#impl/storage/migrations.ts";
import { type User, UserProfile, type UserState } from "./user.ts";

/** For `migrate`: what must be there before the service runs. */
export const usersSchema: MigrationOptions = {
  schema: "users",
  folder: new URL("./migrations/", import.meta.url),
};

export type UserTables = {
  "users.users": UsersTable;
  "users.state_changes": StateChangesTable;
  "users.revocations_due": RevocationsDueTable;
};

type UsersTable = {
  user_id: string;
  email: string;
  profile: JSONColumnType<UserProfile, string, string> | null;
  roles: readonly string[];
  state: UserState;
  version: Generated<bigint>;
  create_time: Date;
  update_time: Date;
  delete_time: Date | null;
};

type StateChangesTable = {
  user_id: string;
  version: bigint;
  state: UserState;
  reason: string;
  changed_by: string | null;
  changed_at: Date;
};

type RevocationsDueTable = {
  user_id: string;
  version: bigint;
  end_sessions: boolean;
};

export type UserRow = Selectable<UsersTable>;

export const userColumns = [
  "user_id",
  "email",
  "profile",
  "roles",
  "state",
  "version",
  "create_time",
  "update_time",
  "delete_time",
] as const satisfies readonly (keyof UsersTable)[];

export function userOf(row: UserRow): User {
  return {
    userId: row.user_id,
    email: row.email,
    // Stored before a field was added, a profile lacks it.
    profile: row.profile === null ? undefined : UserProfile.fromPartial(row.profile),
    roles: row.roles,
    state: row.state,
    version: row.version,
    createTime: row.create_time,
    updateTime: row.update_time,
    deleteTime: row.delete_time ?? undefined,
  };
}
