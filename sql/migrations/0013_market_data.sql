-- What services outside the chain say of prices, volumes and tokens: readings as they were given, and how each source does.
-- Every key is derived from the reading itself, so that storing one twice changes nothing.
create table price_ticks (
    source text not null,
    mint text not null,
    published_at timestamptz not null,
    price_usd numeric(38, 18) not null check (price_usd > 0),
    confidence_usd numeric(38, 18) check (confidence_usd >= 0),
    slot bigint check (slot >= 0),
    received_at timestamptz not null,
    primary key (source, mint, published_at)
);
comment on table price_ticks is 'spot prices in USD as a source published them; the first answer to an instant stays';
comment on column price_ticks.confidence_usd is 'half the width of the source''s interval around the price; null where it states none';
create index price_ticks_by_mint on price_ticks (mint, published_at desc);

create table quotes (
    id text primary key,
    source text not null,
    sold_mint text not null,
    sold_raw numeric(20, 0) not null check (sold_raw > 0),
    bought_mint text not null,
    bought_raw numeric(20, 0) not null check (bought_raw > 0),
    least_bought_raw numeric(20, 0) not null check (least_bought_raw <= bought_raw),
    slippage_bps integer not null check (slippage_bps between 0 and 10000),
    price_impact numeric(38, 18),
    usd_value numeric(38, 18),
    slot bigint check (slot >= 0),
    labels jsonb not null,
    hops jsonb not null,
    asked_at timestamptz not null
);
comment on table quotes is 'quotes as they were seen live: there is no way to ask for one of the past';
comment on column quotes.id is 'sha256 of source, mints, amounts, slippage, slot and asked_at';
comment on column quotes.least_bought_raw is 'what is bought at least, after slippage_bps, or the swap fails';
comment on column quotes.price_impact is 'as a fraction: 0.01 is one per cent';
comment on column quotes.labels is 'the venues of the route in order; hops tells the pools and amounts too';
create index quotes_by_pair on quotes (sold_mint, bought_mint, asked_at desc);

create table volume_readings (
    source text not null,
    name text not null,
    at timestamptz not null,
    window_hours integer not null check (window_hours > 0),
    volume_usd numeric(38, 18) not null check (volume_usd >= 0),
    primary key (source, name, window_hours, at)
);
comment on table volume_readings is 'traded volume of the window_hours before at, as the source computes it';

create table klines (
    source text not null,
    symbol text not null,
    interval text not null,
    open_at timestamptz not null,
    open numeric(38, 18) not null check (open > 0),
    high numeric(38, 18) not null check (high >= open and high >= close),
    low numeric(38, 18) not null check (low > 0 and low <= open and low <= close),
    close numeric(38, 18) not null check (close > 0),
    base_volume numeric(38, 18) not null check (base_volume >= 0),
    quote_volume numeric(38, 18) not null check (quote_volume >= 0),
    trades bigint not null check (trades >= 0),
    is_closed boolean not null,
    primary key (source, symbol, interval, open_at)
);
comment on column klines.is_closed is 'false while its time runs; a closed one is never replaced by an open one';

create table depth_snapshots (
    source text not null,
    symbol text not null,
    last_update_id bigint not null,
    at timestamptz not null,
    bids jsonb not null,
    asks jsonb not null,
    primary key (source, symbol, last_update_id)
);
comment on table depth_snapshots is 'order books, [price, amount] as texts, best first; kept for hours, since they come four times a second';
create index depth_snapshots_by_time on depth_snapshots (at);

create table token_metadata (
    mint text not null,
    source text not null,
    name text,
    symbol text,
    logo_url text,
    decimals smallint check (decimals between 0 and 255),
    token_program text,
    fetched_at timestamptz not null,
    primary key (mint, source)
);
comment on table token_metadata is 'what a source says of a token; all null where it was asked and knows nothing';
create index token_metadata_by_age on token_metadata (fetched_at);

create table refused_readings (
    id text primary key,
    source text not null,
    what text not null,
    subject text not null,
    reason text not null,
    refused_at timestamptz not null
);
comment on table refused_readings is 'quarantine: readings that are not believed (malformed, absurd, stale), with the reason';
comment on column refused_readings.id is 'sha256 of source, what, subject, reason and instant';
comment on column refused_readings.subject is 'what the reading is about: a mint, a feed, a symbol, or the whole answer';
create index refused_readings_by_source on refused_readings (source, what, refused_at desc);

create table source_status (
    source text not null,
    what text not null check (what in ('prices', 'quotes', 'volumes', 'klines', 'depth', 'metadata')),
    last_asked_at timestamptz not null,
    last_good_at timestamptz,
    readings bigint not null default 0,
    refused bigint not null default 0,
    last_error text,
    last_error_at timestamptz,
    breaker_state text not null default 'closed' check (breaker_state in ('closed', 'open')),
    primary key (source, what)
);
comment on table source_status is 'how each source of market data does; one that was never asked has no row';
comment on column source_status.last_good_at is 'when it last gave a reading that was believed';
comment on column source_status.readings is 'readings stored, each counted once';
comment on column source_status.refused is 'readings put into refused_readings, each counted once';
comment on column source_status.breaker_state is 'open while it is left alone because it failed too often in a row';

-- Which mints were traded lately, for whoever refreshes their prices.
create index actions_swaps_by_time on actions (ts) where kind = 'swap';
