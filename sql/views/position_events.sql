-- What happened to wallets' holdings, by day: of folded and decoded days, since the feed's rows have no events of their own.
select signature, slot, tx_index, block_time, log_idx, path, seq, wallet, kind, mint, decimals, qty_raw, other_mint,
       other_decimals, other_raw, counterparty, venue, network_fee_lamports, tip_lamports, rent_lamports, is_escrow, day
from parquet_position_events
