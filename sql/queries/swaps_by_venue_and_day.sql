-- Swaps and traders by day and venue.
select day, venue, count(*) as swaps, count(distinct trader) as traders, count(distinct bought_mint) as mints_bought
from swaps
group by day, venue
order by day, swaps desc, venue
