-- Jobs that were given up, the last ones first, and why; `oof jobs retry ID` queues one again.
select id, kind, json_extract_string(payload_json, '$.wallets[0]') as wallet, user_id, attempts, created_at,
       finished_at as died_at, last_error
from job_queue
where status = 'dead'
order by died_at desc, id
