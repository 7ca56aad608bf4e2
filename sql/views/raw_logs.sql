-- Logs of every transaction heard: files ∪ what waits (block_time and day are null until the transaction is stored).
select signature, slot, tx_index, block_time, program_id, is_failed, logs, day, true as is_final
from parquet_raw_logs
union all
select signature, slot, tx_index, block_time, program_id, is_failed, logs, cast(block_time as date) as day, is_final
from hot_raw_logs h
where not exists (select 1 from parquet_raw_logs p where p.signature = h.signature)
