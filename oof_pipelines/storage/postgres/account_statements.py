"""The SQL of what accounts say."""

from oof_pipelines.storage.parquet.dataset import RAW_AMOUNT
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS

_UPDATE_COLUMNS = (
    "pubkey, slot, write_version, owner, lamports, kind, facts, state_sha256, signature, ts, is_block_time_estimated, "
    "is_startup, is_final"
)

# Sorted, so that two who write the same ones do not lock each other out.
INSERT_UPDATES = f"""
insert into account_updates ({_UPDATE_COLUMNS})
select h.pubkey, h.slot, h.write_version, h.owner, h.lamports, h.kind, h.facts::jsonb, h.state_sha256, h.signature, h.ts,
       h.is_block_time_estimated, h.is_startup, h.is_final
from unnest(%s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::numeric[], %s::text[], %s::text[], %s::text[],
            %s::text[], %s::timestamptz[], %s::boolean[], %s::boolean[], %s::boolean[]) as h ({_UPDATE_COLUMNS})
order by h.pubkey, h.slot, h.write_version
on conflict do nothing
returning pubkey, slot, write_version
"""  # noqa: S608 - a list of column names

_PLACE_COLUMNS = 4
EVENT_COLUMNS = list(MARKET_EVENTS.columns)[_PLACE_COLUMNS:]
"""Columns of an event behind its place: those of account_events behind the change's key."""
_POSTGRES_TYPES = {"String": "text", "Int16": "smallint", "Int32": "integer", "Boolean": "boolean"}
_EVENT_TYPES = [
    "numeric" if dtype == RAW_AMOUNT else _POSTGRES_TYPES[str(dtype)]
    for dtype in list(MARKET_EVENTS.columns.values())[_PLACE_COLUMNS:]
]
_KEYED = ", ".join(["pubkey", "slot", "write_version", *EVENT_COLUMNS])
_EVENT_ARRAYS = ", ".join(f"%s::{kind}[]" for kind in ("text", "bigint", "bigint", *_EVENT_TYPES))

# Every change of a pool brings its discovery; readers take the first that is there (query_tables.py).
INSERT_EVENTS = f"""
insert into account_events ({_KEYED})
select h.* from unnest({_EVENT_ARRAYS}) as h ({_KEYED})
order by h.pubkey, h.slot, h.write_version
on conflict do nothing
"""  # noqa: S608

POOLS_OF_VAULTS = """
select distinct on (v.vault) v.vault, u.facts
from unnest(%s::text[]) as v (vault)
join account_updates u on u.kind = 'pool' and (u.facts ->> 'vault_a' = v.vault or u.facts ->> 'vault_b' = v.vault)
order by v.vault, u.slot desc, u.write_version desc
"""

MINTS_OF_POOLS = """
select distinct on (pool) pool, mint, quote_mint from (
    select pool, mint, quote_mint, slot from token_events where pool = any(%(pools)s) and kind in ('launch', 'pool_created')
    union all
    select h.pool, h.mint, h.quote_mint, t.slot
    from hot_token_events h join tx_raw t using (sig)
    where h.pool = any(%(pools)s) and h.kind in ('launch', 'pool_created')
) as told
where mint <> ''
order by pool, slot
"""

PROVISIONAL_SLOTS = """
select distinct slot from account_updates where not is_final and slot <= %s order by slot limit %s
"""

PROMOTE = """
update account_updates set is_final = true where not is_final and slot = any(%s) returning pubkey, slot, write_version
"""

# What repeats the final change before it is no change. Only among final ones, so that nothing rests on a row that may go.
PRUNE = """
with promoted as (
    select * from unnest(%s::text[], %s::bigint[], %s::bigint[]) as p (pubkey, slot, write_version)
), repeated as (
    select u.pubkey, u.slot, u.write_version
    from promoted join account_updates u using (pubkey, slot, write_version)
    where u.state_sha256 = (
        select b.state_sha256 from account_updates b
        where b.pubkey = u.pubkey and b.is_final and (b.slot, b.write_version) < (u.slot, u.write_version)
        order by b.slot desc, b.write_version desc limit 1
    )
)
delete from account_updates u using repeated r
where (u.pubkey, u.slot, u.write_version) = (r.pubkey, r.slot, r.write_version)
"""

TAKE_BACK = """
with gone as (
    delete from account_updates where not is_final and slot = any(%s) returning slot
), counted as (
    insert into account_corrections (slot, updates_removed)
    select slot, count(*) from gone group by slot order by slot
    on conflict (slot) do update
        set updates_removed = account_corrections.updates_removed + excluded.updates_removed, corrected_at = now()
)
select count(*) from gone
"""

# The newest of an account stays, and of a pool its first: that is its discovery. Mints stay whole: they hardly change.
FORGET_OLD = """
with old as (
    select u.pubkey, u.slot, u.write_version
    from account_updates u
    where u.kind <> 'mint' and u.is_final and u.ts < %s
      and exists (
          select from account_updates later
          where later.pubkey = u.pubkey and later.is_final
            and (later.slot, later.write_version) > (u.slot, u.write_version)
      )
      and (u.kind <> 'pool' or exists (
          select from account_updates earlier
          where earlier.pubkey = u.pubkey and (earlier.slot, earlier.write_version) < (u.slot, u.write_version)
      ))
    limit %s
)
delete from account_updates u using old o
where (u.pubkey, u.slot, u.write_version) = (o.pubkey, o.slot, o.write_version)
"""

VAULTS = """
select vault from (
    select pubkey, max(slot) as slot, max(facts ->> 'vault_a') as vault_a, max(facts ->> 'vault_b') as vault_b
    from account_updates where kind = 'pool' group by pubkey order by max(slot) desc, pubkey limit %s
) as newest
cross join lateral (values (vault_a), (vault_b)) as side (vault)
where vault <> '' and vault <> pubkey
order by newest.slot desc, vault
limit %s
"""
