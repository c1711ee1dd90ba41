-- The events of a service. A row is written in the transaction that changes the state, and gets its position after the commit:
-- see docs/adr/0008-event-order.md.
create table outbox (
  sequence bigint generated always as identity primary key,
  position bigint unique check (position > 0),
  type text not null check (type <> ''),
  keys text[] not null check (cardinality(keys) > 0),
  payload bytea not null,
  write_time timestamptz(3) not null
);

-- Stays as small as what waits for its position.
create index outbox_unnumbered on outbox (sequence) where position is null;

-- One row: the last position that was given, and the last whose event is no longer kept.
create table outbox_head (
  single boolean primary key default true check (single),
  position bigint not null,
  purged_through bigint not null,
  check (0 <= purged_through and purged_through <= position)
);
insert into outbox_head (position, purged_through) values (0, 0);

-- Gives the next positions to up to `most` committed events that have none, and returns these events, each with the last position that was
-- given before; without any, a row of that position alone. The lock on the head makes it one at a time; only a statement that comes
-- after the lock may look for events and at the head, so that it sees what the one before did. The caller's own statement is older:
-- nothing that it reads beside this is of the same moment.
create function number_events(most integer)
returns table (head bigint, "position" bigint, type text, keys text[], payload bytea, write_time timestamptz)
language plpgsql volatile set search_path from current as $$
#variable_conflict use_column
declare
  last bigint;
  given bigint;
begin
  if not exists (select from outbox where position is null) then
    return query
      select outbox_head.position, null::bigint, null::text, null::text[], null::bytea, null::timestamptz from outbox_head;
    return;
  end if;
  -- Positions are in the hands of clients once they are read: a crash must not take them back.
  perform set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off';
  select outbox_head.position into strict last from outbox_head for update;
  return query
    update outbox as event set position = last + pending.rank
    from (
      select sequence, row_number() over (order by sequence) as rank
      from (select sequence from outbox where position is null order by sequence limit most) as oldest
    ) as pending
    where event.sequence = pending.sequence
    returning last, event.position, event.type, event.keys, event.payload, event.write_time::timestamptz;
  get diagnostics given = row_count;
  if given = 0 then
    return query select last, null::bigint, null::text, null::text[], null::bytea, null::timestamptz;
    return;
  end if;
  update outbox_head set position = last + given;
  perform pg_notify(current_schema(), (last + given)::text);
end;
$$;
