-- Stock. Enumerations are stored by their numbers in ecommerce.v1; times have the precision of the wire's clock.

-- What can never be, the table refuses, whoever writes to it. Rows are never deleted.
create table stock (
  product_id uuid primary key,
  received bigint not null check (received between 0 and 1000000000000000),
  available bigint not null check (available >= 0),
  reserved bigint not null check (reserved >= 0),
  sold bigint not null check (sold >= 0),
  low_stock_threshold bigint not null default 0 check (low_stock_threshold >= 0),
  version bigint not null default 1,
  update_time timestamptz(3) not null,
  check (available + reserved + sold = received)
)
-- No column that changes is in an index, and every page keeps room: a new version of a row stays on its page, and the old ones
-- are cleared away from there by whoever reads it next, which is what a row that changes a thousand times a second needs.
with (fillfactor = 50);

-- What is promised to orders. A row holds its items, since it is never read or changed without them, and nothing but its state
-- and update_time ever changes. There is no foreign key on the products: their rows are locked by the transaction that inserts.
create table reservations (
  reservation_id uuid primary key,
  order_id uuid not null,
  product_ids uuid[] not null check (cardinality(product_ids) > 0),
  -- Of the product at the same place.
  quantities bigint[] not null check (0 < all (quantities)),
  state smallint not null check (state between 1 and 4),
  expire_time timestamptz(3) not null check (expire_time > create_time),
  create_time timestamptz(3) not null,
  update_time timestamptz(3) not null,
  check (cardinality(product_ids) = cardinality(quantities))
)
with (fillfactor = 80);

-- What the sweeper looks for: those that are held.
create index reservations_held on reservations (expire_time) where state = 1;

-- Why `received` is what it is: deliveries and corrections, of which nothing is ever changed. Together with the reservations, which
-- are kept, every amount of the stock can be computed again from what has happened.
create table movements (
  product_id uuid not null references stock,
  -- The stock's version with the change.
  version bigint not null,
  -- ecommerce.v1.AdjustmentReason; null for a delivery.
  reason smallint check (reason between 1 and 3),
  quantity bigint not null check (quantity <> 0),
  -- The number of the delivery, or the note to the correction.
  note text not null,
  -- Null when nobody is known, which is when authentication is switched off.
  moved_by text,
  moved_at timestamptz(3) not null,
  primary key (product_id, version)
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
