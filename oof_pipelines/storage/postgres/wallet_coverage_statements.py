"""The SQL of what is known of wallets' histories."""

RANGES = """
select account, first_slot, last_slot, from_ts, to_ts, cursor_sig from wallet_coverage where wallet = %s
order by account, first_slot
"""

LOCK = "select pg_advisory_xact_lock(%s)"

# Those that touch or overlap what is added: the new range takes their place.
TAKE_TOUCHING = """
delete from wallet_coverage
where wallet = %s and account = %s and first_slot <= %s and last_slot >= %s
returning first_slot, last_slot, from_ts, to_ts, cursor_sig
"""

INSERT_RANGE = """
insert into wallet_coverage (wallet, account, first_slot, last_slot, from_ts, to_ts, cursor_sig)
values (%s, %s, %s, %s, %s, %s, %s)
"""

NOTE_LISTED = """
insert into wallet_signatures (wallet, signature, slot)
select %s, l.signature, l.slot from unnest(%s::text[], %s::bigint[]) as l (signature, slot)
on conflict (wallet, signature) do nothing
"""

# Nothing can be done with what is refused, as long as it is: whoever stores it after all looked for nobody's accounts.
UNSETTLED = """
select w.signature, w.slot from wallet_signatures w
where w.wallet = any(%s) and not w.is_settled and (w.slot, w.signature) < (%s, %s)
  and (not exists (select from quarantine r where r.signature = w.signature)
       or exists (select from tx_raw t where t.sig = w.signature)
       or exists (select from fetch_queue q where q.signature = w.signature))
group by w.slot, w.signature
order by w.slot desc, w.signature desc
limit %s
"""

SETTLE = """
update wallet_signatures set is_settled = true
where wallet = any(%s) and signature = any(%s) and not is_settled
"""

STANDING = """
select l.signature, coalesce(t.slot, l.slot), t.sig is not null, coalesce(t.is_final, false),
       q.signature is not null, r.signature is not null
from unnest(%s::text[], %s::bigint[]) with ordinality as l (signature, slot, place)
left join tx_raw t on t.sig = l.signature
left join fetch_queue q on q.signature = l.signature
left join quarantine r on r.signature = l.signature
order by l.place
"""

WAITING_BODIES = "select sig, body_zstd from inbox_transactions where sig = any(%s)"

FOLDED_DAYS = """
select (ts at time zone 'UTC')::date, array_agg(sig order by sig), min(slot), max(slot) from tx_raw
where sig = any(%s) group by 1 order by 1
"""

NOTE_ACCOUNTS = """
insert into wallet_accounts as a (wallet, account, mint, token_program, found_by, is_signed, first_slot)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (wallet, account) do update set
    is_signed = a.is_signed or excluded.is_signed,
    first_slot = least(a.first_slot, excluded.first_slot)
where (a.is_signed, a.first_slot) is distinct from
    (a.is_signed or excluded.is_signed, least(a.first_slot, excluded.first_slot))
"""

ACCOUNTS = """
select wallet, account, mint, token_program, found_by, is_signed, first_slot from wallet_accounts
where wallet = %s order by account
"""

UNLISTED = """
select p.sig from participants p join tx_raw t on t.sig = p.sig
where p.wallet = %s and t.ts >= %s and t.slot <= %s and p.sig > %s
  and not exists (select from wallet_signatures w where w.wallet = p.wallet and w.signature = p.sig)
order by p.sig
limit %s
"""

SHARED_SLOTS = """
select distinct slot from (
    select slot from wallet_signatures where wallet = any(%s) and slot = any(%s)
    group by wallet, slot having count(*) > 1
) as shared
"""

WITHOUT_INDEX = """
select distinct t.slot, t.sig, i.sig is null
from wallet_signatures w join tx_raw t on t.sig = w.signature left join inbox_transactions i on i.sig = t.sig
where w.wallet = any(%s) and w.slot = any(%s) and t.tx_index is null
order by 1, 2
"""

# What is folded keeps what its file says.
SET_TX_INDEX = """
with told as (
    select * from unnest(%s::text[], %s::integer[]) as n (sig, tx_index)
), changed as (
    update tx_raw t set tx_index = told.tx_index from told
    where t.sig = told.sig and t.tx_index is null and t.object_key is null
      and exists (select from inbox_transactions i where i.sig = t.sig)
    returning 1
)
select count(*) from changed
"""

TALLY = """
select count(*), count(t.sig), count(*) filter (where t.is_final),
       count(*) filter (where t.sig is null and q.signature is null and r.signature is not null),
       count(*) filter (where t.sig is null and (q.signature is not null or r.signature is null)),
       count(*) filter (where w.is_settled or (t.sig is null and q.signature is null and r.signature is not null))
from wallet_signatures w
left join tx_raw t on t.sig = w.signature
left join fetch_queue q on q.signature = w.signature
left join quarantine r on r.signature = w.signature
where w.wallet = %s
"""

STATE = """
select wallet, since_ts, tip_slot, seen_at, is_complete, history_begin_slot, accounts, left_out
from wallet_listings where wallet = %s
"""

# Of two that listed the wallet at a time, the one that saw the later tip is right about now.
SAVE_STATE = """
insert into wallet_listings as s
    (wallet, since_ts, tip_slot, seen_at, is_complete, history_begin_slot, accounts, left_out)
values (%s, %s, %s, %s, %s, %s, %s, %s)
on conflict (wallet) do update set
    since_ts = excluded.since_ts, tip_slot = excluded.tip_slot, seen_at = excluded.seen_at,
    is_complete = excluded.is_complete, history_begin_slot = excluded.history_begin_slot,
    accounts = excluded.accounts, left_out = excluded.left_out
where s.tip_slot <= excluded.tip_slot
"""
