-- A coin in a minute at a venue in a money: trades, flows, whales, prices. Files, and in place of theirs the feed's whole rows.
select mint, bucket_start, venue, quote_mint, trades, buys, sells, uniq_signers, holders_touched, vol_in_raw, vol_out_raw,
       base_volume_raw, base_decimals, quote_decimals, vol_in_sol, vol_out_sol, net_inflow_sol, volume_usd, usd_source,
       sol_usd, sol_usd_source, sol_usd_confidence, whale_share_top5, large_trade_share, open_price, close_price,
       price_change, realised_volatility, available_at, cast(bucket_start as date) as day, true as is_hot
from hot_features_1m
union all
select mint, bucket_start, venue, quote_mint, trades, buys, sells, uniq_signers, holders_touched, vol_in_raw, vol_out_raw,
       base_volume_raw, base_decimals, quote_decimals, vol_in_sol, vol_out_sol, net_inflow_sol, volume_usd, usd_source,
       sol_usd, sol_usd_source, sol_usd_confidence, whale_share_top5, large_trade_share, open_price, close_price,
       price_change, realised_volatility, available_at, day, false as is_hot
from parquet_features_1m p
where not exists (
    select 1 from hot_features_1m h
    where h.mint = p.mint and h.bucket_start = p.bucket_start and h.venue = p.venue and h.quote_mint = p.quote_mint
)
