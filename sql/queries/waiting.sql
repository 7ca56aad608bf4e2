-- What is under way: queued, provisional, waiting to be folded or decoded, and how far each followed target is complete.
select 'queued to fetch' as what, count(*) as rows, min(slot) as first_slot, max(slot) as last_slot from fetch_queue
union all
select what, rows, first_slot, last_slot from feed_backlog
union all
select 'complete up to: ' || target, null, null, slot from feed_checkpoints
union all
select 'not proven complete: ' || target, null, first_slot, last_slot from feed_gaps
