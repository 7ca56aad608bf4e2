"""The SQL of the feed's inbox."""

from oof_pipelines.storage.postgres.touch_statements import CORRECTION_COLUMNS, COUNTED_OF_GONE, TOUCHED_BY_GONE

# What vanished may land again until its blockhash is too old, what was not found may turn up, and what an endpoint refused
# another may serve: heard anew, these are asked for anew. What was refused for its body does not pass.
_REASON_MAY_END = """(
    q.reason in ('vanished', 'not_found', 'rpc_refused') or (q.reason = 'unknown_version' and q.body_zstd is null))"""

# Told by someone who knows better: what was tried on another's word does not count. Signatures are queued in their order and
# once a statement, so that two who queue the same ones neither lock each other out nor meet their own rows.
_ASKED_AFRESH = "attempts = 0, empty_answers = 0, refusals = 0, not_before = now(), queued_at = now()"

RECORD_HEARD = f"""
with heard as (
    select * from unnest(%s::text[], %s::bigint[], %s::text[], %s::boolean[], %s::text[])
        as h (signature, slot, program_id, is_failed, logs)
    where not exists (select from tx_raw t where t.sig = h.signature)
      and not exists (select from quarantine q where q.signature = h.signature and not {_REASON_MAY_END})
), logged as (
    insert into raw_logs (signature, slot, program_id, is_failed, logs)
    select signature, slot, program_id, is_failed, logs::jsonb from heard
    on conflict (signature) do nothing
), queued as (
    insert into fetch_queue (signature, slot, source)
    select distinct on (signature) signature, slot, 'socket' from heard order by signature
    on conflict (signature) do update set source = excluded.source, slot = excluded.slot, {_ASKED_AFRESH}
        where fetch_queue.source in ('backfill', 'webhook')
    returning xmax = 0 as is_new
)
select count(*) filter (where is_new) from queued
"""  # noqa: S608 - a condition of our own

ENQUEUE = f"""
with queued as (
    insert into fetch_queue (signature, slot, source)
    select distinct on (l.signature) l.signature, l.slot, %s
    from unnest(%s::text[], %s::bigint[]) as l (signature, slot)
    where not exists (select from tx_raw t where t.sig = l.signature)
      and not exists (select from quarantine q where q.signature = l.signature and not {_REASON_MAY_END})
    order by l.signature
    on conflict (signature) do update set source = excluded.source, slot = excluded.slot, {_ASKED_AFRESH}
        where excluded.source not in ('backfill', 'webhook') and fetch_queue.source in ('backfill', 'webhook')
    returning xmax = 0 as is_new
)
select count(*) filter (where is_new) from queued
"""  # noqa: S608 - a condition of our own

# What a node listed for a backfill and a webhook tells of is fetched at once, in the slot the node said. Rows that are queued
# otherwise are not even locked: the feed may be ending them right now.
ENQUEUE_HINTS = f"""
with queued as (
    insert into fetch_queue (signature, slot, source)
    select distinct on (l.signature) l.signature, l.slot, 'webhook'
    from unnest(%s::text[], %s::bigint[]) as l (signature, slot)
    where not exists (select from tx_raw t where t.sig = l.signature)
      and not exists (select from quarantine q where q.signature = l.signature and not {_REASON_MAY_END})
      and not exists (select from fetch_queue f where f.signature = l.signature and f.source <> 'backfill')
    order by l.signature
    on conflict (signature) do update set source = 'repair', {_ASKED_AFRESH} where fetch_queue.source = 'backfill'
    returning xmax = 0 as is_new
)
select count(*) filter (where is_new) from queued
"""  # noqa: S608 - a condition of our own

INSERT_TX_RAW = """
insert into tx_raw (sig, slot, ts, status, size_bytes, tx_index, is_block_time_estimated)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (sig) do nothing
returning sig
"""

INSERT_INBOX = """
insert into inbox_transactions (sig, day, version, fee_lamports, fee_payer, program_ids, body_zstd)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (sig) do nothing
"""

# The body's own logs win over what the socket said, also where the body has none: a node may cut an announcement short,
# and a repaired row has no announcement at all, yet both runs must leave the same row.
INSERT_LOGS = """
insert into raw_logs (signature, slot, program_id, is_failed, logs)
values (%s, %s, %s, %s, %s::jsonb)
on conflict (signature) do update set
    slot = excluded.slot, program_id = excluded.program_id, is_failed = excluded.is_failed,
    logs = excluded.logs
"""

# A reason that may pass gives way to what was found out since; the body that goes with it stays until there is another.
INSERT_QUARANTINE = f"""
insert into quarantine as q (signature, slot, reason, detail, body_zstd)
values (%s, %s, %s, %s, %s)
on conflict (signature) do update set
    slot = excluded.slot, reason = excluded.reason, detail = excluded.detail,
    body_zstd = coalesce(excluded.body_zstd, q.body_zstd), quarantined_at = now()
where {_REASON_MAY_END}
  and (q.slot, q.reason, q.detail) is distinct from (excluded.slot, excluded.reason, excluded.detail)
returning signature
"""  # noqa: S608

RETRACT = f"""
with gone as (
    select t.sig, t.slot, t.ts, i.body_zstd from tx_raw t left join inbox_transactions i using (sig)
    where t.sig = %s and not t.is_final
), {TOUCHED_BY_GONE}, kept as (
    insert into quarantine as q (signature, slot, reason, detail, body_zstd)
    select sig, slot, 'vanished', %s, body_zstd from gone
    on conflict (signature) do update set
        slot = excluded.slot, reason = excluded.reason, detail = excluded.detail, body_zstd = excluded.body_zstd,
        quarantined_at = now()
    where {_REASON_MAY_END}
), corrected as (
    insert into corrections (sig, slot, reason, detail, {CORRECTION_COLUMNS})
    select sig, slot, 'vanished', %s, {COUNTED_OF_GONE} from gone
), unlogged as (
    delete from raw_logs where signature in (select sig from gone)
)
delete from tx_raw where sig in (select sig from gone)
"""  # noqa: S608

MOVE_SLOT = f"""
with gone as (
    select t.sig, t.slot, t.ts from tx_raw t where t.sig = %s and not t.is_final
), {TOUCHED_BY_GONE}, corrected as (
    insert into corrections (sig, slot, reason, detail, {CORRECTION_COLUMNS})
    select sig, slot, 'moved_slot', 'landed again in slot ' || %s::bigint, {COUNTED_OF_GONE} from gone
)
delete from tx_raw where sig in (select sig from gone)
"""  # noqa: S608

SAVE_CHECKPOINT = """
insert into feed_checkpoints (target, slot, has_heard) values (%s, %s, %s)
on conflict (target) do update set slot = excluded.slot, has_heard = excluded.has_heard, updated_at = now()
"""

# How often a transaction moved is told by its corrections: the row itself goes and comes with every move.
PROVISIONAL = """
select t.sig, t.slot, (select count(*) from corrections c where c.sig = t.sig and c.reason = 'moved_slot')
from tx_raw t
where not t.is_final and t.slot <= %s and (t.slot, t.sig) > (%s, %s)
order by t.slot, t.sig
limit %s
"""

# A webhook's word is nobody's proof, so its hints come last, and only so many at a time: whoever sends thousands of made-up
# ones keeps a node busy for a second, not the feed.
HINTS_AT_A_TIME = 64

_QUEUED = (
    "signature, slot, attempts, empty_answers, refusals, case when source = 'webhook' then queued_at end as hinted_at"
)

# What a backfill listed waits for that backfill: it must not hold up what happens now. Each half has an index of its own.
DUE = f"""
with told as (
    select {_QUEUED} from fetch_queue
    where not_before <= %(now)s and source not in ('backfill', 'webhook')
    order by not_before, slot, signature
    limit %(limit)s
), hinted as (
    select {_QUEUED} from fetch_queue
    where not_before <= %(now)s and source = 'webhook'
    order by not_before, slot, signature
    limit least({HINTS_AT_A_TIME}, %(limit)s)
)
select * from told union all select * from hinted limit %(limit)s
"""  # noqa: S608 - columns of our own

DUE_OF = f"""
select {_QUEUED} from fetch_queue
where signature = any(%s) and not_before <= %s
order by slot desc, signature
"""  # noqa: S608

DEFER = """
update fetch_queue set
    attempts = attempts + 1, empty_answers = empty_answers + %s, refusals = refusals + %s, not_before = %s, last_error = %s
where signature = %s
"""

GAPS = "select target, first_slot, last_slot, reason from feed_gaps where target = %s order by first_slot"

NOTE_GAP = """
insert into feed_gaps (target, first_slot, last_slot, reason) values (%s, %s, %s, %s)
on conflict (target, first_slot) do update set last_slot = excluded.last_slot, reason = excluded.reason
"""

CLOSE_GAP = "delete from feed_gaps where target = %s and first_slot = %s"
