-- Transactions by program and day: how many called each known program, and how many of them failed.
select day, program, count(*) as transactions, count(*) filter (is_failed) as failed
from programs
where program <> program_id
group by all
order by day, transactions desc, program
