-- What happened to wallets' holdings, by day: files ∪ what the feed read and no file holds yet.
select signature, slot, tx_index, block_time, log_idx, path, seq, wallet, kind, mint, decimals, qty_raw, other_mint,
       other_decimals, other_raw, counterparty, venue, network_fee_lamports, tip_lamports, rent_lamports, is_escrow, day
from parquet_position_events
union all
select signature, slot, tx_index, block_time, log_idx, path, seq, wallet, kind, mint, decimals, qty_raw, other_mint,
       other_decimals, other_raw, counterparty, venue, network_fee_lamports, tip_lamports, rent_lamports, is_escrow,
       cast(block_time as date) as day
from hot_position_events h
where not exists (
    select 1 from parquet_position_events p where p.day = cast(h.block_time as date) and p.signature = h.signature
)
