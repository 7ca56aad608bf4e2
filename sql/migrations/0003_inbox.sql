-- What is fresh: heard but not fetched, fetched but not folded, refused, and how far the feed has proven itself complete.
create table fetch_queue (
    signature text primary key,
    slot bigint not null,
    source text not null check (source in ('socket', 'repair', 'reorg')),
    attempts integer not null default 0,
    not_before timestamptz not null default now(),
    last_error text,
    queued_at timestamptz not null default now()
);
create index fetch_queue_due on fetch_queue (not_before, slot);

create table inbox_transactions (
    sig text primary key references tx_raw (sig) on delete cascade,
    day date not null,
    version text not null,
    fee_lamports numeric(20, 0) not null,
    fee_payer text not null,
    program_ids text[] not null,
    body_zstd bytea not null
);
comment on table inbox_transactions is 'bodies not yet in Parquet: zstd of the getTransaction result, unchanged';
create index inbox_transactions_by_day on inbox_transactions (day);

create table quarantine (
    signature text primary key,
    slot bigint,
    reason text not null,
    detail text not null,
    body_zstd bytea,
    quarantined_at timestamptz not null default now()
);
create index quarantine_by_reason on quarantine (reason, quarantined_at);

create table feed_checkpoints (
    target text primary key,
    slot bigint not null,
    has_heard boolean not null,
    updated_at timestamptz not null default now()
);
comment on column feed_checkpoints.slot is 'every transaction of the target up to this slot is queued, stored or quarantined';
comment on column feed_checkpoints.has_heard is 'false until the first announcement; until then slot is the tip at the first subscription';
