-- The instances that serve, each for as long as its lease.
create table instances (
  instance_id text primary key,
  -- The ecommerce.v1.Instance without its state and expire_time.
  content bytea not null,
  services text[] not null check (cardinality(services) > 0),
  -- InstanceState by its number.
  state smallint not null check (state > 0),
  lease_ms integer not null check (lease_ms > 0),
  expire_time timestamptz(3) not null
);

create index instances_expiring on instances (expire_time);
