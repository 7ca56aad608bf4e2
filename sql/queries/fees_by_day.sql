-- What transactions cost by day, in SOL: base fees, priority fees, tips to block builders.
select day, count(*) as transactions, units(sum(base_lamports), 9) as base_sol,
       units(sum(priority_lamports), 9) as priority_sol, units(sum(tip_lamports), 9) as tip_sol
from fees_paid
group by day
order by day
