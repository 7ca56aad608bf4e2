-- The parts of each swap's fees, of routes and of their legs (join by signature, path, is_route, ordinal): files ∪ what is hot.
-- A route's parts are its legs' and its own. Where side is on_top, that row's amounts leave it out; inside, they contain it.
select signature, slot, tx_index, block_time, log_idx, path, is_route, ordinal, seq, kind, mint, amount_raw, side,
       recipient, day, true as is_final
from parquet_fee_parts
union all
select signature, slot, tx_index, block_time, log_idx, path, is_route, ordinal, seq, kind, mint, amount_raw, side,
       recipient, cast(block_time as date) as day, is_final
from hot_fee_parts h
where not exists (
    select 1 from parquet_fee_parts p where p.day = cast(h.block_time as date) and p.signature = h.signature
)
