"""The SQL of the feed's inbox."""

# What vanished may land again until its blockhash is too old, what was not found may turn up, and what an endpoint refused
# another may serve: heard anew, these are asked for anew. What was refused for its body does not pass.
_REASON_MAY_END = """(
    q.reason in ('vanished', 'not_found', 'rpc_refused') or (q.reason = 'unknown_version' and q.body_zstd is null))"""

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
    select signature, slot, 'socket' from heard
    on conflict (signature) do update set source = excluded.source where fetch_queue.source = 'backfill'
    returning xmax = 0 as is_new
)
select count(*) filter (where is_new) from queued
"""  # noqa: S608 - a condition of our own

ENQUEUE = f"""
with queued as (
    insert into fetch_queue (signature, slot, source)
    select l.signature, l.slot, %s from unnest(%s::text[], %s::bigint[]) as l (signature, slot)
    where not exists (select from tx_raw t where t.sig = l.signature)
      and not exists (select from quarantine q where q.signature = l.signature and not {_REASON_MAY_END})
    on conflict (signature) do update set source = excluded.source
        where fetch_queue.source = 'backfill' and excluded.source <> 'backfill'
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
with body as (
    select t.sig, t.slot, i.body_zstd from tx_raw t left join inbox_transactions i using (sig)
    where t.sig = %s and not t.is_final
), kept as (
    insert into quarantine as q (signature, slot, reason, detail, body_zstd)
    select sig, slot, 'vanished', %s, body_zstd from body
    on conflict (signature) do update set
        slot = excluded.slot, reason = excluded.reason, detail = excluded.detail, body_zstd = excluded.body_zstd,
        quarantined_at = now()
    where {_REASON_MAY_END}
), corrected as (
    insert into corrections (sig, slot, reason, detail, actions_removed, moves_removed)
    select sig, slot, 'vanished', %s, (select count(*) from actions a where a.sig = body.sig),
           (select count(*) from hot_moves m where m.sig = body.sig)
    from body
), unlogged as (
    delete from raw_logs where signature in (select sig from body)
)
delete from tx_raw where sig in (select sig from body)
"""  # noqa: S608

MOVE_SLOT = """
with moved as (
    select t.sig, t.slot from tx_raw t where t.sig = %s and not t.is_final
), corrected as (
    insert into corrections (sig, slot, reason, detail, actions_removed, moves_removed)
    select sig, slot, 'moved_slot', 'landed again in slot ' || %s::bigint,
           (select count(*) from actions a where a.sig = moved.sig),
           (select count(*) from hot_moves m where m.sig = moved.sig)
    from moved
)
delete from tx_raw where sig in (select sig from moved)
"""

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

# What a backfill listed waits for that backfill: it must not hold up what happens now.
DUE = """
select signature, slot, attempts, empty_answers, refusals from fetch_queue
where not_before <= %s and source <> 'backfill'
order by not_before, slot, signature
limit %s
"""

DUE_OF = """
select signature, slot, attempts, empty_answers, refusals from fetch_queue
where signature = any(%s) and not_before <= %s
order by slot desc, signature
"""

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
