-- What every transaction did: files ∪ what the feed decoded and no file holds yet.
select id, signature, slot, tx_index, block_time, log_idx, path, program_id, venue, kind, wallet, counterparty, asset,
       amount_raw, bought_asset, bought_raw, paths, day, true as is_final
from parquet_actions
union all
select id, signature, slot, tx_index, block_time, log_idx, path, program_id, venue, kind, wallet, counterparty, asset,
       amount_raw, bought_asset, bought_raw, paths, cast(block_time as date) as day, is_final
from hot_actions h
where not exists (
    select 1 from parquet_actions p where p.day = cast(h.block_time as date) and p.signature = h.signature
)
