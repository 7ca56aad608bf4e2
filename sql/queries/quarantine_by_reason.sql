-- What was refused, by reason, with an example.
select reason, count(*) as transactions, min(slot) as first_slot, max(slot) as last_slot, min(signature) as example,
       min(detail) as detail
from quarantine
group by reason
order by transactions desc, reason
