-- Transactions, fees and slots by day.
select day, count(*) as transactions, count(*) filter (is_failed) as failed, count(*) filter (not is_final) as provisional,
       sum(fee_lamports) as fees_lamports, min(slot) as first_slot, max(slot) as last_slot,
       sum(octet_length(body_zstd)) as compressed_bytes
from raw_transactions
group by day
order by day
