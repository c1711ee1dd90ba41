-- Rooms and what is said in them. Enumerations are stored by their numbers in ecommerce.v1; times have the precision of the wire's
-- clock. Ids of callers are text: a machine's is no UUID.
create table rooms (
  room_id uuid primary key,
  customer_user_id uuid not null,
  agent_user_id uuid,
  subject text not null check (char_length(subject) between 1 and 200),
  order_id uuid,
  state smallint not null,
  version bigint not null default 1 check (version > 0),
  -- Messages have the sequences 1 to this one: who numbers the next holds the lock of this row.
  last_sequence bigint not null default 0 check (last_sequence >= 0),
  create_time timestamptz(3) not null,
  update_time timestamptz(3) not null,
  -- When the latest message was stored; while there is none, when the room was opened.
  spoken_time timestamptz(3) not null,
  -- Waiting, nobody has it; assigned, someone has; closed, it stays with who had it.
  check (case state when 1 then agent_user_id is null when 2 then agent_user_id is not null else state = 3 end)
);

-- The order of lists: of all rooms, of those that are open, of a customer's, of an agent's.
create index rooms_spoken on rooms (spoken_time, room_id);
create index rooms_open on rooms (spoken_time, room_id) where state <> 3;
create index rooms_of_customer on rooms (customer_user_id, spoken_time, room_id);
create index rooms_of_agent on rooms (agent_user_id, spoken_time, room_id) where agent_user_id is not null;

create table messages (
  room_id uuid not null references rooms,
  sequence bigint not null check (sequence > 0),
  message_id uuid not null,
  -- Null when the shop itself speaks.
  sender_user_id text,
  sender_role smallint not null check (sender_role between 1 and 3),
  text text not null check (char_length(text) between 1 and 4000),
  -- Null for what was not said over a stream.
  client_message_id uuid,
  create_time timestamptz(3) not null,
  primary key (room_id, sequence),
  check ((sender_role = 3) = (sender_user_id is null)),
  check (client_message_id is null or sender_user_id is not null)
);

-- What is sent again is found again.
create unique index messages_sent on messages (room_id, sender_user_id, client_message_id)
  where client_message_id is not null;

-- How far somebody has read. Unread is what came later and is not one's own.
create table readers (
  room_id uuid not null references rooms,
  user_id text not null,
  read_sequence bigint not null default 0 check (read_sequence >= 0),
  -- How many messages after read_sequence are one's own.
  own_after bigint not null default 0 check (own_after >= 0),
  primary key (room_id, user_id)
);

-- Who is in a room, as each process says for its own streams. A process that dies says nothing more, and with its lease ends what it
-- has said. Unlogged: after a crash of the database nobody is there until the processes say so again.
create unlogged table presence_leases (
  process_id uuid primary key,
  expiry_time timestamptz not null
);
create unlogged table presences (
  room_id uuid not null,
  user_id text not null,
  process_id uuid not null references presence_leases on delete cascade,
  role smallint not null check (role between 1 and 2),
  presence smallint not null check (presence between 1 and 2),
  primary key (room_id, user_id, process_id)
);
create index presences_of_process on presences (process_id);

create table request_records (
  scope text not null,
  request_id uuid not null,
  fingerprint bytea not null,
  response bytea,
  created_at timestamptz not null,
  primary key (scope, request_id)
);
create index request_records_created_at on request_records (created_at);
