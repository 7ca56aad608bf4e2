-- Events that our own programs emitted, byte for byte (data_base64, with the discriminator): files ∪ what the feed decoded and no
-- file holds yet. action_id is the id of the action of kind anchor_event.
select signature, slot, tx_index, block_time, log_idx, path, ordinal, action_id, program_id, wallet, source, discriminator,
       data_base64, day, true as is_final
from parquet_anchor_events
union all
select signature, slot, tx_index, block_time, log_idx, path, ordinal, action_id, program_id, wallet, source, discriminator,
       data_base64, cast(block_time as date) as day, is_final
from hot_anchor_events h
where not exists (
    select 1 from parquet_anchor_events p where p.day = cast(h.block_time as date) and p.signature = h.signature
)
