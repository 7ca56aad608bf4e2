-- Risk flags by day: which were raised, for how many coins, and the largest share each was about.
select day, flag, count(*) as raised, count(distinct mint) as mints, max(share_bps) as most_bps
from market_events
where kind = 'risk_flag'
group by day, flag
order by day desc, raised desc, flag
