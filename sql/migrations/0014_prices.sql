-- Candles as they are served, replaced with their day; the files hold them for good. Prices are quote units a whole coin.
create table price_candles (
    day date not null,
    tf text not null check (tf in ('1m', '5m', '1h')),
    mint text not null,
    quote_mint text not null,
    bucket_start timestamptz not null,
    open numeric(38, 18) not null,
    high numeric(38, 18) not null,
    low numeric(38, 18) not null,
    close numeric(38, 18) not null,
    vwap numeric(38, 18) not null check (vwap between low and high),
    base_volume_raw numeric(38, 0) not null,
    quote_volume_raw numeric(38, 0) not null,
    base_decimals smallint not null,
    quote_decimals smallint not null,
    trades integer not null check (trades > 0),
    signers integer not null check (signers > 0),
    excluded_trades integer not null,
    open_usd numeric(38, 18),
    high_usd numeric(38, 18),
    low_usd numeric(38, 18),
    close_usd numeric(38, 18),
    vwap_usd numeric(38, 18),
    volume_usd numeric(38, 18),
    quote_usd numeric(38, 18),
    usd_source text not null,
    usd_confidence numeric(38, 18),
    source text not null,
    confidence numeric(38, 18) not null check (confidence between 0 and 1),
    is_primary boolean not null,
    available_at timestamptz not null,
    primary key (mint, tf, bucket_start, quote_mint)
);
create index price_candles_by_day on price_candles (day);
create index price_candles_by_time on price_candles (available_at);
comment on table price_candles is 'candles that have a price; those in which no trade is believed are in the files alone';
comment on column price_candles.quote_usd is 'dollars a quote unit as known at bucket_start; null where no configured source says so';
comment on column price_candles.is_primary is 'of a coin''s candles of one tf and time, the one whose quote to believe';
comment on column price_candles.available_at is 'the end of the bucket: nobody can have known the candle before';

create table price_days (
    day date primary key,
    sha256 text not null
);
comment on column price_days.sha256 is 'of the files of 1m, 5m and 1h, a space between; empty while the day is being replaced';

create table reference_days (
    day date primary key,
    source text not null
);
comment on table reference_days is 'who was asked last what a SOL was worth on the day; empty where nobody was to be asked';

-- Three views by age. "Now" is the end of the newest candle served, so that an answer does not depend on when it is asked.
create view mv_price_1m as
select c.* from price_candles c
where c.tf = '1m' and c.is_primary
  and c.bucket_start > (select max(available_at) from price_candles) - interval '7 days';

create view mv_price_5m as
select c.* from price_candles c
where c.tf = '5m' and c.is_primary
  and c.bucket_start <= (select max(available_at) from price_candles) - interval '7 days'
  and c.bucket_start > (select max(available_at) from price_candles) - interval '180 days';

create view mv_price_1h as
select c.* from price_candles c
where c.tf = '1h' and c.is_primary
  and c.bucket_start <= (select max(available_at) from price_candles) - interval '180 days'
  and c.bucket_start > (select max(available_at) from price_candles) - interval '730 days';

create view token_prices as
select mint, bucket_start as ts, vwap_usd as price, source, tf, confidence
from (
    select * from mv_price_1m union all select * from mv_price_5m union all select * from mv_price_1h
) as by_age
where vwap_usd is not null;
comment on view token_prices is 'one price in dollars a mint and time, in the timeframe of its age; price is the volume-weighted mean';
