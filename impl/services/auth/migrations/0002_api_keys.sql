-- Keys by which programs act for users. Of a secret only its hash is kept.
create table api_keys (
  api_key_id uuid primary key,
  user_id uuid not null,
  display_name text not null,
  scopes text[] not null,
  -- First characters of the secret in force.
  secret_prefix text not null,
  -- SHA-256 of the secret, which is random: nothing slower is needed.
  secret_hash bytea not null,
  -- Of the secret before the last rotation, and until when it works.
  previous_secret_hash bytea,
  previous_secret_expire_time timestamptz(3),
  create_time timestamptz(3) not null,
  -- Null means never.
  expire_time timestamptz(3),
  revoke_time timestamptz(3),
  -- To the minute. Null while it has not been used.
  last_use_time timestamptz(0),
  check ((previous_secret_hash is null) = (previous_secret_expire_time is null))
);
create index api_keys_of_user on api_keys (user_id, api_key_id);
