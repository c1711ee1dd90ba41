-- Orders. Enumerations are stored by their numbers in ecommerce.v1, amounts in minor units of the order's one currency; times have
-- the precision of the wire's clock.
create table orders (
  order_id uuid primary key,
  -- Null: a guest bought.
  user_id uuid,
  -- {"email", "fullName"}
  guest jsonb,
  reference text collate "C" not null,
  currency char(3) collate "C" not null,
  status smallint not null check (status between 1 and 18),
  -- {"reason", "message", "lineNumbers"}
  failure jsonb,
  -- [{"kind", "label", "minor"}] in the order of the bill.
  charges jsonb not null,
  lines_minor bigint not null check (lines_minor >= 0),
  tax_minor bigint not null check (tax_minor >= 0),
  shipping_minor bigint not null check (shipping_minor >= 0),
  discount_minor bigint not null check (discount_minor >= 0),
  total_minor bigint not null check (total_minor = lines_minor + tax_minor + shipping_minor - discount_minor),
  captured_minor bigint not null default 0,
  refunded_minor bigint not null default 0,
  -- ecommerce.v1.Address
  shipping_address jsonb,
  billing_address jsonb,
  -- Erased when nothing can be authorized with it any more.
  payment_method_token text,
  payment_id uuid,
  reservation_id uuid,
  -- [{"carrier", "trackingNumber", "shipTime", "deliverTime"}]
  shipments jsonb not null default '[]',
  -- Why the customer sends something back; of the last request.
  return_reason text,
  -- Where a refund that fails leads back to.
  status_before_refund smallint,
  -- Who sent the request, and a digest of it: one request id of a caller, one order.
  caller text,
  request_id uuid,
  fingerprint bytea,
  bulk_job_id uuid,
  bulk_position bigint,
  version bigint not null default 1,
  placed_time timestamptz(3) not null,
  create_time timestamptz(3) not null,
  update_time timestamptz(3) not null,

  check (num_nonnulls(user_id, guest) = 1),
  check (total_minor >= 0),
  check (captured_minor between 0 and total_minor),
  check (refunded_minor between 0 and captured_minor),
  check ((status = 11) = (status_before_refund is not null)),
  check (num_nonnulls(request_id, caller, fingerprint) in (0, 3)),
  check (num_nonnulls(bulk_job_id, bulk_position) in (0, 2))
);

create unique index orders_request on orders (caller, request_id) where request_id is not null;
create unique index orders_bulk_position on orders (bulk_job_id, bulk_position) where bulk_job_id is not null;

-- The orders of lists: latest placed first, read backwards from a place.
create index orders_placed on orders (placed_time, order_id);
create index orders_user on orders (user_id, placed_time, order_id) where user_id is not null;
create index orders_status on orders (status, placed_time, order_id);
create index orders_reference on orders (reference, placed_time, order_id) where reference <> '';

-- Rows and not a document in the order: measured, 600 lines cost the same to insert either way, and here the database itself keeps
-- a line from being refunded or returned twice. No foreign key: lines are only written by the statement that writes their order.
create table order_lines (
  order_id uuid not null,
  line_number integer not null check (line_number > 0),
  product_id uuid not null,
  -- The order's, for the list of a product's orders.
  placed_time timestamptz(3) not null,
  sku text not null,
  name text not null,
  quantity bigint not null check (quantity > 0),
  unit_price_minor bigint not null check (unit_price_minor >= 0),
  price_overridden boolean not null,
  -- The line with its part of the charges. The lines of an order add up to its total.
  paid_minor bigint not null check (paid_minor >= 0),
  -- Units that have been asked to come back, and have not yet.
  requested_quantity bigint not null default 0 check (requested_quantity >= 0),
  -- Units that have come back.
  returned_quantity bigint not null default 0 check (returned_quantity >= 0),
  -- Units that went back into stock before they were sent.
  withdrawn_quantity bigint not null default 0 check (withdrawn_quantity >= 0),
  -- Units and money of refunds that are under way, and of those that are done.
  refunding_quantity bigint not null default 0 check (refunding_quantity >= 0),
  refunding_minor bigint not null default 0 check (refunding_minor >= 0),
  refunded_quantity bigint not null default 0 check (refunded_quantity >= 0),
  refunded_minor bigint not null default 0 check (refunded_minor >= 0),
  primary key (order_id, line_number),
  check (requested_quantity + returned_quantity + withdrawn_quantity <= quantity),
  check (refunding_quantity + refunded_quantity <= quantity),
  check (refunding_minor + refunded_minor <= paid_minor)
);
create index order_lines_product on order_lines (product_id, placed_time, order_id);

-- Work that must be brought to its end whatever happens: one row while it is not, deleted with its last step.
create table sagas (
  -- The order's own id for the processing of the order.
  saga_id uuid primary key,
  order_id uuid not null references orders,
  -- "order", "refund", "return" or "notice".
  kind text not null check (kind in ('order', 'refund', 'return', 'notice')),
  -- The step that was begun last. Written before the step runs: its compensation, and those of all steps before it, are due
  -- when the saga goes back. Empty: none was begun.
  step text not null default '',
  -- Whether it goes back.
  undoing boolean not null default false,
  -- Why it goes back: an OrderFailure, and the state that the order then ends in.
  failure jsonb,
  -- What a step of this kind needs and the order does not tell.
  data jsonb,
  -- Failures of the present step, or of going back, in a row.
  attempts integer not null default 0,
  -- Who works at it. Null: nobody.
  holder uuid,
  -- Until when, or from when on anybody may. By the database's clock.
  due_time timestamptz not null
);
create index sagas_due on sagas (due_time);

-- Money given back, or being given back.
create table refunds (
  refund_id uuid primary key,
  order_id uuid not null references orders,
  caller text not null,
  request_id uuid not null,
  fingerprint bytea not null,
  -- [{"line", "quantity", "minor", "restock"}]
  lines jsonb not null,
  amount_minor bigint not null check (amount_minor >= 0),
  reason text not null,
  state text not null check (state in ('pending', 'succeeded', 'failed')),
  -- Why it failed: {"reason", "message"}.
  failure jsonb,
  -- ecommerce.v1.RefundOrderResponse, once it is known: the answer to every repeat.
  answer bytea,
  create_time timestamptz(3) not null,
  settle_time timestamptz(3),
  unique (caller, request_id),
  check ((state = 'pending') = (settle_time is null)),
  check ((state = 'succeeded') = (answer is not null))
);
create index refunds_order on refunds (order_id);

create table request_records (
  scope text not null,
  request_id uuid not null,
  fingerprint bytea not null,
  response bytea,
  created_at timestamptz not null,
  primary key (scope, request_id)
);
create index request_records_created_at on request_records (created_at);
