-- The double-entry book: files ∪ what the feed decoded and no file holds yet. Counter-accounts have is_virtual.
select signature, slot, tx_index, block_time, seq, log_idx, path, account, owner, asset, delta_raw, balance_raw, kind,
       is_virtual, day, true as is_final
from parquet_moves
union all
select signature, slot, tx_index, block_time, seq, log_idx, path, account, owner, asset, delta_raw, balance_raw, kind,
       is_virtual, cast(block_time as date) as day, is_final
from hot_moves h
where not exists (
    select 1 from parquet_moves p where p.day = cast(h.block_time as date) and p.signature = h.signature
)
