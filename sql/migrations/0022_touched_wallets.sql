-- What happened to wallets' holdings in transactions that no wallet bucket's file holds yet, and whose positions and moments
-- are to be made again because of it. Where a transaction stands is its tx_raw row's to say; its events go with it.
create table hot_position_events (
    sig text not null references tx_raw (sig) on delete cascade,
    wallet text not null,
    seq integer not null check (seq >= 0),
    bucket smallint not null check (bucket between 0 and 63),
    day date not null,
    log_idx integer not null,
    path text not null,
    kind text not null,
    mint text not null,
    decimals smallint,
    qty_raw numeric(38, 0) not null check (qty_raw >= 0),
    other_mint text not null,
    other_decimals smallint,
    other_raw numeric(38, 0) check (other_raw >= 0),
    counterparty text not null,
    venue text not null,
    network_fee_lamports numeric(38, 0) not null check (network_fee_lamports >= 0),
    tip_lamports numeric(38, 0) not null check (tip_lamports >= 0),
    rent_lamports numeric(38, 0) not null,
    is_escrow boolean not null,
    primary key (sig, wallet, seq)
);
create index hot_position_events_by_wallet on hot_position_events (wallet);
create index hot_position_events_by_bucket on hot_position_events (bucket, day);
comment on table hot_position_events is 'events that wait for the file of their wallet bucket: a row goes once that file holds it';
comment on column hot_position_events.day is 'UTC day of the block time';

create sequence touch_versions;
create table touched_wallets (
    wallet text not null,
    cause text not null check (cause in ('event', 'price')),
    bucket smallint not null check (bucket between 0 and 63),
    version bigint not null default nextval('touch_versions'),
    touched_at timestamptz not null default now(),
    not_before timestamptz not null default now(),
    is_taken boolean not null default false,
    failures integer not null default 0,
    last_error text,
    primary key (wallet, cause)
);
create index touched_wallets_due on touched_wallets (cause, not_before);
create index touched_wallets_by_bucket on touched_wallets (bucket);
comment on table touched_wallets is 'wallets whose positions and moments are to be made again: what happened to them, or to the price of what they traded';
comment on column touched_wallets.version is 'another one with every touch: whoever made the wallet again takes the row away only where it is still the one read';
comment on column touched_wallets.touched_at is 'since when it waits';
comment on column touched_wallets.is_taken is 'somebody is at it, so that another touch has to count';

create table hot_wallets (
    wallet text primary key,
    bucket smallint not null check (bucket between 0 and 63),
    as_of timestamptz not null,
    served_at timestamptz not null default now(),
    rests_until timestamptz not null default now()
);
create index hot_wallets_by_bucket on hot_wallets (bucket);
comment on table hot_wallets is 'wallets whose served rows are fresher than their bucket''s files';
comment on column hot_wallets.rests_until is 'a wallet of thousands of events is not made again with each: it would take the turns of all others';
comment on column hot_wallets.as_of is 'the instant of the chain at which they were looked at';

create table refresh_log (
    id bigint generated always as identity primary key,
    wallet text not null,
    cause text not null,
    newest_block_at timestamptz,
    touched_at timestamptz not null,
    began_at timestamptz not null,
    read_at timestamptz not null,
    served_at timestamptz not null,
    events integer not null
);
create index refresh_log_by_wallet on refresh_log (wallet, began_at);
comment on table refresh_log is 'each time that a wallet was made again; the newest 200,000 are kept';
comment on column refresh_log.newest_block_at is 'block time of the newest of its events';
comment on column refresh_log.read_at is 'what was stored before began_at counts; what was stored up to here may';

-- Whom the price of a coin concerns: one look for each batch that is stored.
create index realized_trades_by_mint on realized_trades (mint, ts);
create index lots_open_by_mint on lots (mint, entry_ts) where qty_remaining_raw > 0 or qty_in_pool_raw > 0;
-- Trades of two coins are trades of either.
create index hot_market_events_by_quote on hot_market_events (quote_mint)
    where kind = 'trade' and quote_mint not in (
        'So11111111111111111111111111111111111111112', 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v',
        'Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB'
    );

alter table corrections
    add column events_removed integer not null default 0,
    add column lots_removed integer not null default 0,
    add column trades_removed integer not null default 0,
    add column moments_removed integer not null default 0,
    add column market_events_removed integer not null default 0,
    add column wallets_touched integer not null default 0;
comment on column corrections.lots_removed is 'served lots that came of the transaction; they go when its wallets are made again, within seconds';
comment on column corrections.wallets_touched is 'wallets whose positions and moments are made again without it';
