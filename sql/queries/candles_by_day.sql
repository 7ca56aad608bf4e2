-- Candles of a minute by day: what was priced, what was left out and why, and which sources told the dollars.
select day, count(*) as candles, count(distinct mint) as mints, sum(trades) as trades,
       sum(excluded_dust) as dust, sum(excluded_thin) as thin, sum(excluded_outlier) as outliers,
       sum(excluded_unpriced) as unpriced, string_agg(distinct nullif(usd_source, ''), ', ' order by nullif(usd_source, '')) as usd_sources
from price_1m
where source = 'swaps'
group by day
order by day
