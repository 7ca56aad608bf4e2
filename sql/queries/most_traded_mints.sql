-- The coins with the most believed trades: their last price, in the quote to believe and in dollars, and what is left out.
select mint, sum(trades) as trades, sum(excluded_trades) as excluded, min(bucket_start) as first_hour,
       arg_max(quote_mint, bucket_start) filter (where is_primary) as quote_mint,
       arg_max(close, bucket_start) filter (where is_primary) as last_price,
       arg_max(close_usd, bucket_start) filter (where is_primary) as last_price_usd, sum(volume_usd) as volume_usd
from price_1h
where source = 'swaps'
group by mint
order by trades desc, mint
limit 50
