-- Every stored transaction: files ∪ what waits in the inbox (provisional rows have is_final = false).
select signature, slot, tx_index, block_time, is_block_time_estimated, version, is_failed, fee_lamports, fee_payer,
       program_ids, body_zstd, day, true as is_final
from parquet_raw_transactions
union all
select signature, slot, tx_index, block_time, is_block_time_estimated, version, is_failed, fee_lamports, fee_payer,
       program_ids, body_zstd, cast(block_time as date) as day, is_final
from hot_raw_transactions h
where not exists (select 1 from parquet_raw_transactions p where p.signature = h.signature)
