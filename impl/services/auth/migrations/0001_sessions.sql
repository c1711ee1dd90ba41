-- Passwords, sessions, the keys that sign their tokens, and what was revoked. Times have the precision of the wire's clock. Ids of users
-- that are no UUID belong to machines, which have no password; but their credentials can be revoked.
create table accounts (
  user_id uuid primary key,
  -- argon2id as a PHC string. Null means that there is none yet.
  password_hash text,
  -- Grows with every revocation of all that the user holds. Who opens or goes on with a session reads it before the user, and again
  -- under a lock: a session never rests on what was true before a revocation.
  epoch bigint not null default 0,
  -- Tokens that were issued before are refused.
  revoke_time timestamptz(3),
  -- False until the user is known to exist: a password is set before its user is created.
  confirmed boolean not null default false,
  create_time timestamptz(3) not null
);
create index accounts_unconfirmed on accounts (create_time) where not confirmed;

-- Those that are open: one that ends is deleted.
create table sessions (
  session_id uuid primary key,
  user_id uuid not null,
  device_label text not null,
  create_time timestamptz(3) not null,
  -- Of its newest access token.
  issue_time timestamptz(3) not null,
  -- When its newest refresh token expires.
  expire_time timestamptz(3) not null
);
create index sessions_of_user on sessions (user_id);
create index sessions_expiry on sessions (expire_time);

-- Those that were used are kept as long as they would have worked, so that a second use is noticed.
create table refresh_tokens (
  -- SHA-256 of the token, which is random: nothing slower is needed.
  token_hash bytea primary key,
  session_id uuid not null references sessions on delete cascade,
  expire_time timestamptz(3) not null,
  used boolean not null default false
);
create index refresh_tokens_of_session on refresh_tokens (session_id);
create index refresh_tokens_expiry on refresh_tokens (expire_time);

-- What was revoked last for each target, as long as it is of effect.
create table revocations (
  -- The number of the field in ecommerce.v1.Revocation.
  kind smallint not null check (kind between 1 and 3),
  target text not null,
  revoke_time timestamptz(3) not null,
  primary key (kind, target)
);
create index revocations_time on revocations (revoke_time);

create table signing_keys (
  kid text primary key,
  public_jwk jsonb not null,
  -- The private key as a JWK, sealed under a key that is not in the database.
  sealed_jwk bytea not null,
  -- It signs from here on, until the next one does.
  sign_time timestamptz(3) not null unique
);

-- Failed attempts to give a password, by account and by address, in a window that begins with the first one.
create table login_attempts (
  -- SHA-256 of what is counted.
  bucket bytea primary key,
  failures integer not null,
  window_end timestamptz(3) not null
);
create index login_attempts_end on login_attempts (window_end);

-- From where an account was logged in to. SHA-256 of account and address.
create table known_addresses (
  bucket bytea primary key,
  login_time timestamptz(3) not null
);
create index known_addresses_time on known_addresses (login_time);
