-- Moments by kind and month: how many, how many still open, and what was missed in dollars.
select kind, date_trunc('month', event_at) as month, count(*) as moments, count(distinct wallet) as wallets,
       count(*) filter (where status = 'open') as still_open, sum(missed_usd) as missed_usd, sum(reachable_usd) as reachable_usd
from oof_moments
group by all
order by kind, month
