-- Programs called, a row a transaction and program, with the venue's name where it is a known one.
select t.signature, t.slot, t.block_time, t.day, t.is_failed, p.program_id, coalesce(n.name, p.program_id) as program
from (select signature, slot, block_time, day, is_failed, program_ids from raw_transactions) t
cross join unnest(t.program_ids) as p (program_id)
left join program_names n on n.program_id = p.program_id
