-- Users. States are stored by their numbers in ecommerce.v1.UserState; times have the precision of the wire's clock.
create table users (
  user_id uuid primary key,
  -- As it was written.
  email text not null,
  -- ecommerce.v1.UserProfile as JSON. In one piece, since a user is never read without it.
  profile jsonb,
  roles text[] not null,
  state smallint not null check (state between 1 and 3),
  version bigint not null default 1,
  create_time timestamptz(3) not null,
  update_time timestamptz(3) not null,
  delete_time timestamptz(3),
  check ((state = 3) = (delete_time is not null))
);

-- The address of a deleted user is free. The operator class serves "begins with" under every collation.
create unique index users_email on users (lower(email) text_pattern_ops) where state <> 3;

-- The order of lists.
create index users_created on users (create_time, user_id);

-- Almost everyone is just a customer: that role is found faster without an index, and registering does not pay for one.
create index users_roles on users using gin (roles) where roles <> '{customer}';

create index users_countries on users
  using gin ((jsonb_path_query_array(profile, '$.addresses[*].countryCode')));

-- Who changed the state of an account, and why.
create table state_changes (
  user_id uuid not null references users,
  -- The user's version with the change.
  version bigint not null,
  state smallint not null,
  reason text not null,
  -- Null when nobody is known, which is when authentication is switched off.
  changed_by text,
  changed_at timestamptz(3) not null,
  primary key (user_id, version)
);

create table request_records (
  scope text not null,
  request_id uuid not null,
  fingerprint bytea not null,
  response bytea,
  created_at timestamptz not null,
  primary key (scope, request_id)
);
create index request_records_created_at on request_records (created_at);
