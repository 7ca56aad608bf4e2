-- Every row of swaps, routes and legs together, as they lie: files ∪ what the feed decoded and no file holds yet.
select signature, slot, tx_index, block_time, log_idx, path, is_route, ordinal, route_path, route_ordinal, program_id,
       via, venue, pool, trader, recipient, sold_mint, sold_raw, bought_mint, bought_raw, reserve_kind,
       sold_reserve_before_raw, sold_reserve_after_raw, bought_reserve_before_raw, bought_reserve_after_raw, day,
       true as is_final
from parquet_swaps
union all
select signature, slot, tx_index, block_time, log_idx, path, is_route, ordinal, route_path, route_ordinal, program_id,
       via, venue, pool, trader, recipient, sold_mint, sold_raw, bought_mint, bought_raw, reserve_kind,
       sold_reserve_before_raw, sold_reserve_after_raw, bought_reserve_before_raw, bought_reserve_after_raw,
       cast(block_time as date) as day, is_final
from hot_swaps h
where not exists (
    select 1 from parquet_swaps p where p.day = cast(h.block_time as date) and p.signature = h.signature
)
