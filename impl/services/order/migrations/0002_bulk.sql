-- Bulk jobs. Positions that are settled are those of the job's orders and of its rejections: a position is never both.
create table bulk_jobs (
  -- The request id of the header.
  job_id uuid primary key,
  -- Who sent the header. Null when nobody is known, which is when authentication is switched off.
  owner_id text,
  -- ecommerce.v1.BulkAtomicity
  atomicity smallint not null check (atomicity between 1 and 2),
  batch_size integer not null check (batch_size between 1 and 500),
  -- Grows with every stream that feeds the job: what an earlier stream still tries to store is refused.
  feed bigint not null default 1,
  accepted_count bigint not null default 0,
  rejected_count bigint not null default 0,
  -- Orders that were processed to the end, as far as bulk_outcomes has been added up.
  succeeded_count bigint not null default 0,
  failed_count bigint not null default 0,
  -- The first position that is not settled.
  next_position bigint not null default 0,
  -- One above the last position that is settled. Above next_position when positions were left out.
  end_position bigint not null default 0,
  create_time timestamptz(3) not null,
  update_time timestamptz(3) not null,
  -- When the caller said that there are no more orders.
  receive_time timestamptz(3),
  -- When the last order was processed to the end.
  complete_time timestamptz(3),
  check (next_position <= accepted_count + rejected_count),
  check (accepted_count + rejected_count <= end_position),
  check (succeeded_count + failed_count <= accepted_count),
  check (complete_time is null or receive_time is not null),
  check (complete_time is null or succeeded_count + failed_count = accepted_count)
);

create table bulk_rejections (
  job_id uuid not null references bulk_jobs,
  position bigint not null,
  -- 1, 2, 3 ... in the order in which the job's rejections were committed: what a watcher has seen is a number.
  number bigint not null,
  reference text not null,
  reason text not null,
  field text not null,
  message text not null,
  primary key (job_id, position),
  unique (job_id, number)
);

-- How the first processing of an order of a bulk job ended: 1 in PROCESSING, 2 in an error state. Null while it has not.
alter table orders add column bulk_outcome smallint check (bulk_outcome between 1 and 2);

-- Outcomes that are not yet in the counts of their jobs. Orders end by the hundred a second: each adds a row here, and waits for none.
create table bulk_outcomes (
  job_id uuid not null,
  succeeded boolean not null
);
create index bulk_outcomes_job on bulk_outcomes (job_id);

-- Whatever ends the processing of an order, it is counted, once and in the same transaction.
create function note_bulk_outcome() returns trigger
language plpgsql set search_path from current as $$
begin
  new.bulk_outcome := case when new.status = 6 then 1 else 2 end;
  insert into bulk_outcomes (job_id, succeeded) values (new.bulk_job_id, new.bulk_outcome = 1);
  return new;
end;
$$;
create trigger orders_bulk_outcome before update of status on orders for each row
  -- PROCESSING, CANCELLED, PAYMENT_FAILED, OUT_OF_STOCK or FAILED: one of them comes first.
  when (new.bulk_job_id is not null and new.bulk_outcome is null and new.status in (6, 15, 16, 17, 18))
  execute function note_bulk_outcome();
