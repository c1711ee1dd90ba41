-- Notifications, and at the same time the queue in which they wait: what is not in a final state has a due time. Enumerations are
-- stored by their numbers in ecommerce.v1; times have the precision of the wire's clock.
create table notifications (
  -- UUIDv7: the order of ids is the order of lists.
  notification_id uuid primary key,
  -- Null when it goes to an address only.
  user_id uuid,
  channel smallint not null check (channel between 1 and 3),
  category smallint not null check (category between 1 and 4),
  event_type text not null,
  -- No reference: a notification outlives its template and its endpoint.
  template_id uuid not null,
  subject text not null,
  body text not null,
  html_body text not null,
  destination text not null,
  endpoint_id uuid,
  -- Within the receiver and the channel. Null when there is no bond.
  deduplication_key text,
  receiver text not null generated always as (coalesce(user_id::text, lower(destination))) stored,
  -- 1 queued, 2 sending, 3 retrying, 4 delivered, 5 dead, 6 suppressed.
  state smallint not null check (state between 1 and 6),
  attempt_count integer not null default 0,
  last_error text not null default '',
  -- When it is worked on next; while it is being sent, when whoever sends it counts as dead.
  due_time timestamptz(3),
  create_time timestamptz(3) not null,
  deliver_time timestamptz(3),
  read_time timestamptz(3),
  check ((due_time is not null) = (state in (1, 2, 3))),
  check ((deliver_time is not null) = (state = 4)),
  check ((endpoint_id is not null) = (channel = 2)),
  check (user_id is not null or channel = 1),
  check (destination <> '' or channel = 3)
);

-- The queue: as small as what waits.
create index notifications_due on notifications (channel, due_time) where due_time is not null;

create index notifications_user on notifications (user_id, notification_id) where user_id is not null;

create index notifications_unread on notifications (user_id, notification_id)
  where channel = 3 and state = 4 and read_time is null;

create index notifications_dead on notifications (notification_id) where state = 5;

create index notifications_endpoint on notifications (endpoint_id, notification_id) where endpoint_id is not null;

create unique index notifications_deduplication
  on notifications (receiver, channel, deduplication_key, endpoint_id) nulls not distinct
  where deduplication_key is not null;

-- For the purge; rows are written in about this order.
create index notifications_created on notifications using brin (create_time);

create table preferences (
  user_id uuid primary key,
  -- {"<category>": [<channel>, ...]}: what the user chose.
  choices jsonb not null default '{}',
  quiet_start_minute smallint check (quiet_start_minute between 0 and 1439),
  quiet_end_minute smallint check (quiet_end_minute between 0 and 1439),
  -- Empty means UTC.
  time_zone text not null default '',
  version bigint not null default 0,
  check ((quiet_start_minute is null) = (quiet_end_minute is null))
);

create table templates (
  template_id uuid primary key,
  name text not null,
  channel smallint not null check (channel between 1 and 3),
  -- Empty for the default of all locales.
  locale text not null,
  subject text not null,
  body text not null,
  html_body text not null check (html_body = '' or channel = 1),
  version bigint not null default 1,
  create_time timestamptz(3) not null,
  update_time timestamptz(3) not null
);

-- The collation makes the order of lists the same on every server.
create unique index templates_name on templates (name collate "C", channel, (lower(locale) collate "C"));

create table webhook_endpoints (
  endpoint_id uuid primary key,
  user_id uuid not null,
  url text not null,
  -- Empty means all.
  event_types text[] not null,
  disabled boolean not null,
  display_name text not null,
  version bigint not null default 1,
  create_time timestamptz(3) not null,
  update_time timestamptz(3) not null,
  last_success_time timestamptz(3),
  last_failure_time timestamptz(3),
  -- Since when every post has failed. Null while the last one succeeded.
  failing_since timestamptz(3)
);
create index webhook_endpoints_user on webhook_endpoints (user_id, endpoint_id);

-- Signing secrets, encrypted under a key that is not in the database.
create table webhook_secrets (
  secret_id uuid primary key,
  endpoint_id uuid not null references webhook_endpoints on delete cascade,
  sealed bytea not null,
  -- Until when posts are signed with it too. Null for the one that is not replaced.
  expire_time timestamptz(3)
);
create index webhook_secrets_endpoint on webhook_secrets (endpoint_id);
create unique index webhook_secrets_current on webhook_secrets (endpoint_id) where expire_time is null;

create table request_records (
  scope text not null,
  request_id uuid not null,
  fingerprint bytea not null,
  response bytea,
  created_at timestamptz not null,
  primary key (scope, request_id)
);
create index request_records_created_at on request_records (created_at);
