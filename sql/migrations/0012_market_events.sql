-- The market's stream as the feed read it off each transaction, until its day is folded: a wide row an event.
create table hot_market_events (
    sig text not null references tx_raw (sig) on delete cascade,
    log_idx integer not null,
    kind text not null,
    ordinal integer not null,
    program_id text not null,
    venue text not null,
    pool text not null,
    mint text not null,
    quote_mint text not null,
    wallet text not null,
    signer text not null,
    creator text not null,
    is_buy boolean,
    is_add boolean,
    base_raw numeric(38, 0),
    quote_raw numeric(38, 0),
    base_decimals smallint,
    quote_decimals smallint,
    wallet_balance_raw numeric(38, 0),
    reserve_kind text not null,
    base_reserve_raw numeric(38, 0),
    quote_reserve_raw numeric(38, 0),
    token_program text not null,
    mint_authority text,
    freeze_authority text,
    supply_raw numeric(38, 0),
    name text not null,
    symbol text not null,
    uri text not null,
    flag text not null,
    share_bps integer,
    primary key (sig, log_idx, kind, ordinal)
);
comment on column hot_market_events.wallet is 'the trader, who launched or made it, or who changed liquidity';
comment on column hot_market_events.base_reserve_raw is 'what the pool holds of mint afterwards; see reserve_kind';
comment on column hot_market_events.mint_authority is 'empty where there is none any more, null where this event does not say';
create index hot_market_events_by_mint on hot_market_events (mint, kind);
