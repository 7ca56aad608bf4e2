-- Coins by day: how much of the trading in their minutes of ten trades and more was by five wallets and in large trades
select day, mint, sum(trades) as trades, min(whale_share_top5) as least_top5, max(whale_share_top5) as most_top5,
       max(large_trade_share) as most_large, max(realised_volatility) as most_volatility
from features_1m
where trades >= 10
group by day, mint
order by trades desc, day, mint
limit 20
