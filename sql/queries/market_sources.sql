-- How each source of market data does: when it was last good, how much it gave, how much of it was refused, what went wrong.
select source, what, last_good_at, last_asked_at, readings, refused, breaker_state, last_error_at, last_error
from source_status
order by source, what
