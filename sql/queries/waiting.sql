-- What is under way: queued, provisional, waiting to be folded, and how far each followed target is complete.
select 'queued to fetch' as what, count(*) as rows, min(slot) as first_slot, max(slot) as last_slot from fetch_queue
union all
select 'provisional', count(*), min(slot), max(slot) from tx_raw where not is_final
union all
select 'final, waiting to be folded', count(*), min(slot), max(slot) from tx_raw where is_final and object_key is null
union all
select 'folded, waiting to be decoded', count(*), min(slot), max(slot)
from tx_raw where is_final and object_key is not null and not is_decoded
union all
select 'complete up to: ' || target, null, null, slot from feed_checkpoints
union all
select 'not proven complete: ' || target, null, first_slot, last_slot from feed_gaps
