-- Payments and what was asked of the provider for them. Enumerations are stored by their numbers in ecommerce.v1; amounts are minor units of
-- the payment's currency; times have the precision of the wire's clock. No column is for card data: a card stays with the provider.
create table payments (
  payment_id uuid primary key,
  order_id uuid not null,
  -- Null for a guest.
  user_id uuid,
  currency char(3) collate "C" not null,
  amount_minor bigint not null check (amount_minor > 0),
  state smallint not null check (state between 1 and 10),
  -- What is authorized and not captured. 'none' before and without an authorization.
  hold text collate "C" not null check (hold in ('none', 'open', 'captured', 'voided', 'expired')),
  captured_minor bigint not null default 0 check (captured_minor >= 0),
  refunded_minor bigint not null default 0 check (refunded_minor >= 0),
  -- Sums of the transactions whose outcome is not known: they may have happened, so they count as taken.
  pending_capture_minor bigint not null default 0 check (pending_capture_minor >= 0),
  pending_refund_minor bigint not null default 0 check (pending_refund_minor >= 0),
  pending_transactions int not null check (pending_transactions >= 0),
  card_brand text,
  card_last_four text check (length(card_last_four) = 4),
  card_expiry_month smallint,
  card_expiry_year smallint,
  -- The provider's id of the authorization.
  authorization_reference text,
  authorization_expire_time timestamptz(3),
  expired_version bigint,
  -- When to ask whether the hold has run out. Null when nothing is held.
  next_check_time timestamptz(3),
  version bigint not null,
  create_time timestamptz(3) not null,
  update_time timestamptz(3) not null,

  constraint payments_captured check (captured_minor + pending_capture_minor <= amount_minor),
  constraint payments_refunded check (refunded_minor + pending_refund_minor <= captured_minor),
  constraint payments_held check (pending_capture_minor = 0 or hold = 'open'),
  constraint payments_authorized check (hold = 'none' or authorization_reference is not null),
  constraint payments_checked check ((hold = 'open') = (next_check_time is not null))
);

-- Ids grow with time: each of these is a list from the latest on.
create index payments_user on payments (user_id, payment_id);
create index payments_order on payments (order_id, payment_id);
create index payments_state on payments (state, payment_id);
create index payments_pending on payments (payment_id) where pending_transactions > 0;
create index payments_next_check on payments (next_check_time) where next_check_time is not null;
create unique index payments_authorization on payments (authorization_reference) where authorization_reference is not null;

create table transactions (
  -- The provider knows it by this id.
  transaction_id uuid primary key,
  payment_id uuid not null references payments,
  kind smallint not null check (kind between 1 and 4),
  state smallint not null check (state between 1 and 4),
  amount_minor bigint not null check (amount_minor > 0),
  final boolean not null,
  reason text not null,
  reference text not null default '',
  decline_code text not null default '',
  failure_code text not null default '',
  -- The request that asked for it. The row is its record: one request, one transaction.
  scope text not null,
  request_id uuid not null,
  fingerprint bytea not null,
  -- Stands for a card, of use only with the shop's account at the provider. Kept while the authorization may have to be sent again.
  payment_method_token text,
  -- Versions of the payment.
  begin_version bigint not null,
  settle_version bigint,
  create_time timestamptz(3) not null,
  settle_time timestamptz(3),
  -- When the provider is to be asked what became of it. Whoever asks moves it on: that is the lease.
  next_attempt_time timestamptz(3),
  attempts int not null default 0,

  constraint transactions_request unique (scope, request_id),
  constraint transactions_settled check ((state = 1) = (settle_version is null)),
  constraint transactions_due check ((state = 1) = (next_attempt_time is not null)),
  constraint transactions_token check (payment_method_token is null or (state = 1 and kind = 1))
);

create index transactions_payment on transactions (payment_id, begin_version);
create index transactions_next_attempt on transactions (next_attempt_time) where state = 1;

-- Events of the provider that were taken: each is taken once.
create table provider_events (
  webhook_id text primary key,
  receive_time timestamptz(3) not null
);
create index provider_events_receive_time on provider_events (receive_time);
