-- Events of the market by day and kind: trades, pool states, launches, mints, liquidity, risk flags.
select day, kind, count(*) as events, count(distinct mint) as mints, count(distinct nullif(wallet, '')) as wallets
from market_events
group by day, kind
order by day desc, events desc, kind
