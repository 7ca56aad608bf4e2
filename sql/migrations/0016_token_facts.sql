-- token_facts (spec 2, 0010) with what services and our own candles and pools say of a token, beside what transactions show.
create table pool_reserves (
    day date not null,
    pool text not null,
    mint text not null,
    quote_mint text not null,
    venue text not null,
    is_virtual boolean not null,
    base_reserve_raw numeric(38, 0),
    quote_reserve_raw numeric(38, 0) not null,
    slot bigint not null,
    tx_index integer,
    ts timestamptz not null,
    sig text not null,
    log_idx integer not null,
    primary key (pool, mint, quote_mint, day)
);
create index pool_reserves_by_day on pool_reserves (day);
create index pool_reserves_by_mint on pool_reserves (mint);
-- For removals of the money alone, by the pool whose coin they do not name.
create index hot_market_events_without_coin on hot_market_events (pool) where mint = '';
comment on table pool_reserves is 'what each pool held after its last trade or change of liquidity of the day; replaced with the day';
comment on column pool_reserves.mint is 'empty where only the money moved and the call does not name the coin; see pool_liquidity';
comment on column pool_reserves.is_virtual is 'what a curve computes its price with, more than it holds';

-- The newest rate is looked up often, and where no source of it is configured there is none to find.
create index price_candles_sol_rate on price_candles (available_at desc)
    where quote_mint = 'So11111111111111111111111111111111111111112' and quote_usd is not null;
create index price_candles_extremes on price_candles (mint) where tf = '1h' and is_primary;

create view pool_liquidity as
with states as not materialized (
    select pool, mint, quote_mint, venue, is_virtual, base_reserve_raw, quote_reserve_raw, slot, tx_index, ts, sig, log_idx,
           '' as kind, 0 as ordinal
    from pool_reserves
    union all
    select h.pool, h.mint, h.quote_mint, h.venue, h.reserve_kind = 'virtual', h.base_reserve_raw, h.quote_reserve_raw,
           t.slot, t.tx_index, t.ts, h.sig, h.log_idx, h.kind, h.ordinal
    from hot_market_events h join tx_raw t using (sig)
    where h.kind in ('trade', 'pool_state', 'liquidity_changed') and h.quote_reserve_raw is not null
      and h.pool <> '' and h.quote_mint <> ''
), coins as not materialized (
    select distinct mint, pool, quote_mint from states where mint <> ''
), told as not materialized (
    select s.*, true as is_coin_named from states s where s.mint <> ''
    union all
    -- Where only the money moved the call does not name the coin; other events of the pool and its money do.
    select s.pool, c.mint, s.quote_mint, s.venue, s.is_virtual, s.base_reserve_raw, s.quote_reserve_raw, s.slot, s.tx_index,
           s.ts, s.sig, s.log_idx, s.kind, s.ordinal, false
    from coins c cross join lateral (
        -- offset 0: looked up by pool, where a plain join would read those of all pools.
        select * from states where pool = c.pool and quote_mint = c.quote_mint and mint = '' offset 0
    ) as s
), newest as not materialized (
    select distinct on (mint, pool, quote_mint) * from told
    order by mint, pool, quote_mint, slot desc, tx_index desc nulls first, sig collate "C" desc, log_idx desc,
             is_coin_named desc, kind collate "C" desc, ordinal desc
)
select n.mint, n.pool, n.quote_mint, n.venue, n.is_virtual, n.base_reserve_raw, n.quote_reserve_raw,
       case
           when n.is_virtual then null
           when n.quote_mint in ('EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v', 'Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB')
               then 2 * n.quote_reserve_raw * 0.000001
           when n.quote_mint = 'So11111111111111111111111111111111111111112'
               then 2 * n.quote_reserve_raw * 0.000000001 * (
                   select c.quote_usd from price_candles c
                   where c.quote_mint = 'So11111111111111111111111111111111111111112' and c.quote_usd is not null
                   order by c.available_at desc limit 1
               )
       end as liquidity_usd,
       n.slot, n.ts
from newest n;
comment on view pool_liquidity is 'every pool as it was last seen; of several transactions in a slot without a known order, the last by signature';
comment on column pool_liquidity.liquidity_usd is 'twice the money it holds; USDC and USDT are a dollar, SOL what the newest candle says; null where unknown';

create or replace view token_facts as
with seen as not materialized (
    select mint, decimals, token_program, first_slot, first_block_time, first_sig from token_sightings
    union all
    select h.mint, h.decimals, h.token_program, t.slot, t.ts, t.sig from hot_token_facts h join tx_raw t using (sig)
), first as not materialized (
    select distinct on (mint) mint, decimals, first_slot, first_block_time, first_sig
    from seen order by mint, first_slot, first_sig
), told as not materialized (
    select distinct on (mint) mint, token_program
    from seen where token_program <> '' order by mint, first_slot, first_sig
), launched as not materialized (
    select distinct on (mint) mint, name, symbol from (
        select mint, name, symbol, slot, sig from token_events where kind = 'launch'
        union all
        select h.mint, h.name, h.symbol, t.slot, h.sig
        from hot_token_events h join tx_raw t using (sig) where h.kind = 'launch'
    ) as launches
    order by mint, slot, sig collate "C"
), described as not materialized (
    select mint, (array_agg(name order by source) filter (where name is not null))[1] as name,
           (array_agg(symbol order by source) filter (where symbol is not null))[1] as symbol,
           (array_agg(logo_url order by source) filter (where logo_url is not null))[1] as logo_url,
           max(fetched_at) as fetched_at
    from token_metadata group by mint
), extremes as not materialized (
    select mint, max(high_usd) as ath_price, min(low_usd) as atl_price, max(available_at) as priced_at
    from price_candles where tf = '1h' and is_primary group by mint
), held as not materialized (
    select mint, sum(liquidity_usd) as liquidity_usd, max(ts) as pooled_at from pool_liquidity group by mint
)
select first.mint, coalesce(d.symbol, nullif(l.symbol, '')) as symbol, first.decimals::integer as decimals, d.logo_url,
       coalesce(told.token_program, '') as token_program, first.first_slot, first.first_block_time, first.first_sig,
       coalesce(d.name, nullif(l.name, '')) as name, e.ath_price, e.atl_price,
       case
           when h.liquidity_usd is null then null
           when h.liquidity_usd = 0 then 'none'
           when h.liquidity_usd < 1000 then '<1k'
           when h.liquidity_usd < 10000 then '1k-10k'
           when h.liquidity_usd < 100000 then '10k-100k'
           when h.liquidity_usd < 1000000 then '100k-1M'
           else '>1M'
       end as liquidity_band,
       h.liquidity_usd,
       greatest(first.first_block_time, d.fetched_at, e.priced_at, h.pooled_at) as updated_at
from first
left join told on told.mint = first.mint
left join launched l on l.mint = first.mint
left join described d on d.mint = first.mint
left join extremes e on e.mint = first.mint
left join held h on h.mint = first.mint;
comment on view token_facts is 'one row a mint (spec 2, 0010); null where nobody said so';
comment on column token_facts.symbol is 'a service''s word (token_metadata), else that of the launch: chosen by whoever made the token';
comment on column token_facts.ath_price is 'highest price in dollars of its believed candles of an hour; atl_price the lowest';
comment on column token_facts.liquidity_usd is 'of all its pools whose money has a price in dollars; see pool_liquidity';
comment on column token_facts.updated_at is 'when the newest of what is in the row was seen';
