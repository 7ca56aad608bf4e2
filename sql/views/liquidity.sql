-- What wallets put into pools (liquidity_add) and took out (liquidity_remove), a row a mint: files ∪ what is hot.
-- share_raw is the whole call's, the same in each of its rows.
select signature, slot, tx_index, block_time, log_idx, path, kind, ordinal, program_id, venue, pool, wallet, mint,
       amount_raw, share_mint, share_raw, day, true as is_final
from parquet_liquidity
union all
select signature, slot, tx_index, block_time, log_idx, path, kind, ordinal, program_id, venue, pool, wallet, mint,
       amount_raw, share_mint, share_raw, cast(block_time as date) as day, is_final
from hot_liquidity h
where not exists (
    select 1 from parquet_liquidity p where p.day = cast(h.block_time as date) and p.signature = h.signature
)
