-- Readings of market services that were not believed, by source and reason, with the newest of each.
select source, what, regexp_replace(reason, '[0-9][0-9.eE+-]*', '#', 'g') as reason, count(*) as readings,
       count(distinct subject) as subjects, max(refused_at) as last_at
from refused_readings
group by all
order by readings desc, source, what, reason
