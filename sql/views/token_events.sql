-- Launches, graduations, migrations, pools made: files ∪ what the feed decoded and no file holds yet.
select signature, slot, tx_index, block_time, log_idx, path, kind, ordinal, program_id, venue, mint, wallet, pool,
       quote_mint, creator, name, symbol, uri, token_program, day, true as is_final
from parquet_token_events
union all
select signature, slot, tx_index, block_time, log_idx, path, kind, ordinal, program_id, venue, mint, wallet, pool,
       quote_mint, creator, name, symbol, uri, token_program, cast(block_time as date) as day, is_final
from hot_token_events h
where not exists (
    select 1 from parquet_token_events p where p.day = cast(h.block_time as date) and p.signature = h.signature
)
