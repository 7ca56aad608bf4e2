-- Who took part in which transaction, with their roles: files ∪ what the feed decoded and no file holds yet.
select signature, slot, tx_index, block_time, wallet, roles, day, true as is_final
from parquet_participants
union all
select signature, slot, tx_index, block_time, wallet, roles, cast(block_time as date) as day, is_final
from hot_participants h
where not exists (
    select 1 from parquet_participants p where p.day = cast(h.block_time as date) and p.signature = h.signature
)
