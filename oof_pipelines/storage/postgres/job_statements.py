"""Statements of the job queue (migration 0019). Times are the server's: workers on several machines agree on no other."""

COLUMNS = (
    "id, kind, payload_json, status, priority, attempts, max_attempts, run_after, created_at, user_id, plan_code, parent_id, "
    "dedupe_key, locked_by, locked_at, started_at, finished_at, last_error, result_json"
)

ENQUEUE = """
insert into job_queue (id, kind, payload_json, priority, user_id, plan_code, parent_id, dedupe_key, run_after, max_attempts)
values (%(id)s, %(kind)s, %(payload)s, %(priority)s, %(user_id)s, %(plan_code)s, %(parent_id)s, %(dedupe_key)s,
        coalesce(%(run_after)s, now()), %(max_attempts)s)
on conflict do nothing
returning id
"""

# Whoever asks for the same more urgently speeds it up for all.
JOIN_UNFINISHED = """
update job_queue set priority = greatest(priority, %(priority)s)
where (id = %(id)s or dedupe_key = %(dedupe_key)s) and status in ('queued', 'running')
returning id
"""

CLAIM = f"""
update job_queue set status = 'running', locked_by = %(worker)s, locked_at = clock_timestamp(),
    started_at = coalesce(started_at, clock_timestamp())
where id = (
    select id from job_queue where status = 'queued' and run_after <= now()
    order by priority desc, run_after, created_at, id limit 1 for update skip locked
)
returning {COLUMNS}
"""  # noqa: S608 - our own list of columns

# The row is locked for the rest of the transaction: nobody can take the job away before what follows is written.
HOLD = "select 1 from job_queue where id = %(id)s and status = 'running' and locked_by = %(worker)s for update"

HEARTBEAT = """
update job_queue set locked_at = clock_timestamp()
where id = %(id)s and status = 'running' and locked_by = %(worker)s returning 1
"""

APPEND = """
insert into job_events (job_id, seq, kind, payload_json)
select %(id)s, (select coalesce(max(seq), 0) from job_events where job_id = %(id)s) + told.number, told.kind, told.payload
from unnest(%(kinds)s::text[], %(payloads)s::jsonb[]) with ordinality as told (kind, payload, number)
"""

# A continuation finds again what the jobs before it found. Only what they did not tell, or told otherwise, is news.
APPEND_NEWS = """
insert into job_events (job_id, seq, kind, payload_json)
select %(id)s,
       (select coalesce(max(seq), 0) from job_events where job_id = %(id)s) + row_number() over (order by told.number),
       told.kind, told.payload
from unnest(%(kinds)s::text[], %(payloads)s::jsonb[]) with ordinality as told (kind, payload, number)
where told.kind <> 'moment' or not exists (
    select from job_events before join job_queue chained on chained.id = before.job_id
    where (chained.id = %(root_id)s or chained.parent_id = %(root_id)s)
      and before.kind = 'moment' and before.payload_json = told.payload
)
"""

FINISH = """
update job_queue set status = %(status)s, finished_at = clock_timestamp(), locked_by = null, locked_at = null,
    last_error = coalesce(%(error)s, last_error), result_json = %(result)s, attempts = attempts + %(attempts)s
where id = %(id)s
"""

AGAIN = """
update job_queue set status = 'queued', locked_by = null, locked_at = null, last_error = coalesce(%(error)s, last_error),
    attempts = attempts + %(attempts)s, run_after = clock_timestamp() + make_interval(secs => %(delay_seconds)s)
where id = %(id)s returning run_after
"""

ATTEMPTS_LEFT = "select max_attempts - attempts from job_queue where id = %(id)s"

EXPIRED = """
select id, locked_by from job_queue
where status = 'running' and locked_at < clock_timestamp() - make_interval(secs => %(lease_seconds)s)
order by locked_at limit 100 for update skip locked
"""

PRUNE = """
with old as (
    delete from job_queue where finished_at < now() - make_interval(secs => %(seconds)s) returning 1
), gone as (
    delete from job_workers where seen_at < now() - interval '1 day'
)
select count(*) from old
"""

SEEN = """
insert into job_workers (worker, run_id) values (%(worker)s, %(run_id)s)
on conflict (worker) do update set seen_at = clock_timestamp()
"""
GONE = "delete from job_workers where worker = %(worker)s"

COUNTS = """
select (select coalesce(jsonb_object_agg(status, jobs), '{}') from
           (select status, count(*) as jobs from job_queue group by status) as counted),
       extract(epoch from min(run_after) - clock_timestamp())::float8
from job_queue where status = 'queued'
"""

GET = f"select {COLUMNS} from job_queue where id = %(id)s"  # noqa: S608

LIST = f"""
select {COLUMNS} from job_queue where %(status)s::text is null or status = %(status)s
order by created_at desc, id desc limit %(limit)s
"""  # noqa: S608

EVENTS = """
select job_id, seq, at, kind, payload_json from job_events
where job_id = %(id)s and seq > %(after_seq)s order by seq limit %(limit)s
"""

RETRY = """
update job_queue set status = 'queued', attempts = 0, run_after = clock_timestamp(), finished_at = null
where id = %(id)s and status in ('dead', 'cancelled') returning 1
"""

CANCEL = """
update job_queue set status = 'cancelled', finished_at = clock_timestamp(), locked_by = null, locked_at = null
where id = %(id)s and status in ('queued', 'running') returning 1
"""

HAS_EXPIRED = """
select exists (
    select from job_queue
    where status = 'running' and locked_at < clock_timestamp() - make_interval(secs => %(lease_seconds)s)
)
"""

WAS_EVER_QUEUED = "select exists (select from job_queue)"

# Without a run it is a process of its own.
LIVE_WORKERS = """
select coalesce(run_id, '') from job_workers where seen_at > clock_timestamp() - make_interval(secs => %(seconds)s)
"""

WORKERS = "select worker, run_id, began_at, seen_at from job_workers order by seen_at desc, worker"

NEWEST_DEAD = "select count(*), max(finished_at) from job_queue where status = 'dead'"
