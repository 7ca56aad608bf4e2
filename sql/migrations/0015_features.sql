-- What happened to a coin within a minute at a venue in a money (spec 1). Rows of folded trades are replaced with their day;
-- the feed writes the rows of buckets that have trades no file holds yet, whole, over them (`is_hot`). See docs/features.md.
create table features_1m (
    mint text not null,
    bucket_start timestamptz not null,
    venue text not null,
    quote_mint text not null,
    day date not null,
    trades bigint not null check (trades > 0),
    buys bigint not null,
    sells bigint not null,
    uniq_signers bigint not null,
    holders_touched bigint not null,
    vol_in_raw numeric(38, 0) not null,
    vol_out_raw numeric(38, 0) not null,
    base_volume_raw numeric(38, 0) not null,
    base_decimals smallint,
    quote_decimals smallint,
    vol_in_sol numeric(38, 18),
    vol_out_sol numeric(38, 18),
    net_inflow_sol numeric(38, 18),
    volume_usd numeric(38, 18),
    usd_source text not null,
    sol_usd numeric(38, 18),
    sol_usd_source text not null,
    sol_usd_confidence numeric(38, 18),
    whale_share_top5 numeric(38, 18) check (whale_share_top5 between 0 and 1),
    large_trade_share numeric(38, 18) check (large_trade_share between 0 and 1),
    open_price numeric(38, 18),
    close_price numeric(38, 18),
    price_change numeric(38, 18),
    realised_volatility numeric(38, 18),
    available_at timestamptz not null,
    is_hot boolean not null,
    primary key (mint, bucket_start, venue, quote_mint),
    check (buys + sells = trades)
);
create index features_1m_by_day on features_1m (day);
create index features_1m_by_time on features_1m (bucket_start);
create index features_1m_hot on features_1m (bucket_start) where is_hot;
comment on column features_1m.quote_mint is 'the money of the pair: amounts of two moneys do not add up';
comment on column features_1m.is_hot is 'the feed''s: whole, with trades that no file holds yet; may be taken back';
comment on column features_1m.usd_source is 'par: USDC and USDT count as a dollar; else whose SOL price it is; empty without one';

create table features_days (
    day date primary key,
    sha256 text not null
);
comment on column features_days.sha256 is 'of the file whose rows are served; empty while the day is being replaced';
