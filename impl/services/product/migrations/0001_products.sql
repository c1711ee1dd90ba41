-- The catalogue. Enumerations are stored by their numbers in ecommerce.v1; times have the precision of the wire's clock.
create table products (
  product_id uuid primary key,
  sku text collate "C" not null,
  name text not null,
  description text not null,
  -- Empty: in no category.
  category text collate "C" not null,
  -- In minor units of the currency.
  price_minor bigint not null check (price_minor >= 0),
  currency char(3) collate "C" not null,
  attributes jsonb not null,
  -- [{"id", "type", "size", "sha256", "alt"}] in the order of upload. In the row, since a product is never read without them.
  images jsonb not null default '[]',
  availability smallint not null check (availability between 1 and 4),
  version bigint not null default 1,
  create_time timestamptz(3) not null,
  update_time timestamptz(3) not null,
  delete_time timestamptz(3),

  -- "home/lighting" as "home lighting ", so that what is at or below a category is one range of an index: the blank is below
  -- every character that a category can have, which "/" is not.
  category_range text collate "C" not null generated always as (translate(category, '/', ' ') || ' ') stored,
  -- The order by name is that of the first 100 characters without regard to case.
  name_order text collate "C" not null generated always as (left(lower(name), 100)) stored,
  search_text tsvector not null generated always as (
    setweight(to_tsvector('pg_catalog.english', name), 'A') ||
    setweight(to_tsvector('pg_catalog.english', sku), 'A') ||
    setweight(to_tsvector('pg_catalog.english', translate(category, '/-', '  ')), 'B') ||
    setweight(jsonb_to_tsvector('pg_catalog.english', attributes, '["string"]'), 'C') ||
    setweight(to_tsvector('pg_catalog.english', description), 'D')
  ) stored
);

create unique index products_sku on products (sku) where delete_time is null;

-- Without the list of pending entries, which every search would have to read through after an import.
create index products_search_text on products using gin (search_text) with (fastupdate = off)
  where delete_time is null;
create index products_attributes on products using gin (attributes jsonb_path_ops) with (fastupdate = off)
  where delete_time is null;
create index products_category on products (category_range) where delete_time is null;

-- One for each order, so that a page is read from the index at its place and nothing is sorted.
create index products_newest on products (create_time, product_id) where delete_time is null;
create index products_cheapest on products (currency, price_minor, product_id) where delete_time is null;
create index products_dearest on products (currency, (-price_minor), product_id) where delete_time is null;
create index products_name on products (name_order, product_id) where delete_time is null;

create table request_records (
  scope text not null,
  request_id uuid not null,
  fingerprint bytea not null,
  response bytea,
  created_at timestamptz not null,
  primary key (scope, request_id)
);
create index request_records_created_at on request_records (created_at);
