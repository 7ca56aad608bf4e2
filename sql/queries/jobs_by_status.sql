-- The job queue: how many jobs stand how, how long they waited to begin and took, and the oldest that nobody has begun.
select status, count(*) as jobs, sum(attempts) as failed_attempts,
       max(date_diff('millisecond', created_at, started_at)) as longest_wait_ms,
       max(date_diff('millisecond', started_at, finished_at)) as longest_run_ms,
       min(created_at) filter (where started_at is null) as oldest_not_begun_at
from job_queue
group by status
order by status
