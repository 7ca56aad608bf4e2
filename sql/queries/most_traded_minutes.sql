-- The minutes in which a coin was traded most, over all venues and moneys
select mint, bucket_start, sum(trades) as trades, max(holders_touched) as most_traders, sum(net_inflow_sol) as net_inflow_sol,
       sum(volume_usd) as volume_usd, string_agg(distinct venue, ', ' order by venue) as venues
from features_1m
group by mint, bucket_start
order by trades desc, mint, bucket_start
limit 20
