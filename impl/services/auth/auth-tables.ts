// The tables of credentials as rows.
import type { ColumnType, Generated, JSONColumnType } from "kysely";
import type { MigrationOptions } from "#impl/storage/migrations.ts";

/** For `migrate`: what must be there before the service runs. */
export const authSchema: MigrationOptions = {
  schema: "auth",
  folder: new URL("./migrations/", import.meta.url),
};

export interface AuthTables {
  "auth.accounts": AccountsTable;
  "auth.sessions": SessionsTable;
  "auth.refresh_tokens": RefreshTokensTable;
  "auth.revocations": RevocationsTable;
  "auth.signing_keys": SigningKeysTable;
  "auth.login_attempts": LoginAttemptsTable;
  "auth.known_addresses": KnownAddressesTable;
}

interface AccountsTable {
  user_id: string;
  password_hash: string | null;
  epoch: Generated<bigint>;
  revoke_time: Date | null;
  confirmed: Generated<boolean>;
  create_time: Date;
}

interface SessionsTable {
  session_id: string;
  user_id: string;
  device_label: string;
  create_time: Date;
  issue_time: Date;
  expire_time: Date;
}

interface RefreshTokensTable {
  token_hash: Buffer;
  session_id: string;
  expire_time: Date;
  used: Generated<boolean>;
}

interface RevocationsTable {
  kind: number;
  target: string;
  revoke_time: Date;
}

interface SigningKeysTable {
  kid: string;
  public_jwk: JSONColumnType<Record<string, string>, string, never>;
  sealed_jwk: ColumnType<Buffer, Buffer, never>;
  sign_time: Date;
}

interface LoginAttemptsTable {
  bucket: Buffer;
  failures: number;
  window_end: Date;
}

interface KnownAddressesTable {
  bucket: Buffer;
  login_time: Date;
}
