-- What was heard of the other services, each thing once, as figures by the time at which it happened. Enumerations are stored by their
-- numbers in ecommerce.v1; times have the precision of the wire's clock.

-- How far each stream of events was counted; moved on in the transaction that counts.
create table sources (
  source text primary key check (source in ('orders', 'payments')),
  resume_token text not null,
  -- Whether what there was before the stream began has been counted too.
  listed boolean not null default false,
  -- What the source committed before this time has been counted. Null until all has been listed.
  through_time timestamptz(3),
  check (listed or through_time is null)
);

-- Whatever is told again, by a snapshot or a list, is known by its id.
create table occurrences (
  occurrence_id text primary key
);

create table facts (
  time timestamptz(3) not null,
  metric smallint not null check (metric between 1 and 7),
  -- "" and 0 where the metric has no such dimension.
  currency text not null,
  country text not null,
  product_id text not null,
  status smallint not null,
  -- A count, or money in minor units.
  amount bigint not null
);

create index facts_time on facts (time) include (metric, currency, amount);

-- The intervals that processes have reported; kept as long as their figures.
create table rpc_intervals (
  instance_id text not null,
  start_time timestamptz(3) not null,
  time timestamptz(3) not null,
  primary key (instance_id, start_time)
);

create index rpc_intervals_time on rpc_intervals (time);

create table rpc_figures (
  -- The last moment of the interval.
  time timestamptz(3) not null,
  method text not null,
  code smallint not null,
  calls bigint not null check (calls > 0),
  nanoseconds bigint not null check (nanoseconds >= 0)
);

create index rpc_figures_time on rpc_figures (time);
