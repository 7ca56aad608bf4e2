"""The SQL that says whose positions and moments are to be made again. It stands in the transaction that is the reason.

Rows of `touched_wallets` are always written in one order, those of `event` before those of `price` and each by wallet, so
that of two who store at once one waits for the other, and never both.
"""

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import QUOTE_MINTS

TOUCHED_CHANNEL = "oof_touched"
"""Where whoever makes wallets again listens."""

PRICE_DELAY_SECONDS = 20
"""What traded a coin may concern thousands of wallets: each is looked at again at most so often for others' trades."""

LOOK_BACK_DAYS = 7
"""A moment looks at prices of at most a week after its event."""

MONEY = frozenset({*QUOTE_MINTS, NATIVE_MINT})
"""Coins whose trades change nobody's prices."""

EVENT_COLUMNS = (
    "sig, wallet, seq, bucket, day, log_idx, path, kind, mint, decimals, qty_raw, other_mint, other_decimals, other_raw, "
    "counterparty, venue, network_fee_lamports, tip_lamports, rent_lamports, is_escrow"
)

ON_TOUCHED_EVENT = """
on conflict (wallet, cause) do update set
    version = excluded.version, not_before = excluded.not_before,
    touched_at = case when t.is_taken then excluded.touched_at else t.touched_at end
"""
"""A touch while somebody is at it is a new one; otherwise it waits since the first."""

INSERT_EVENTS = f"""
with added as (
    insert into hot_position_events ({EVENT_COLUMNS})
    select h.* from unnest(%s::text[], %s::text[], %s::int[], %s::smallint[], %s::date[], %s::int[], %s::text[], %s::text[],
        %s::text[], %s::smallint[], %s::numeric[], %s::text[], %s::smallint[], %s::numeric[], %s::text[], %s::text[],
        %s::numeric[], %s::numeric[], %s::numeric[], %s::boolean[]) as h ({EVENT_COLUMNS})
    join tx_raw r on r.sig = h.sig and not r.is_decoded
    on conflict do nothing
    returning wallet, bucket
)
insert into touched_wallets as t (wallet, cause, bucket, not_before)
select a.wallet, 'event', a.bucket, greatest(now(), max(k.rests_until)) from added a left join hot_wallets k using (wallet)
group by a.wallet, a.bucket order by a.wallet
{ON_TOUCHED_EVENT}
"""  # noqa: S608 - names of our own schema

# Sold within the week, or bought then and still held: whose moments the price of the coin may change. A row that nobody is at
# is read again anyway, so it need not be written; it is locked, so that nobody can take it before this is stored.
TOUCH_BY_PRICE = f"""
insert into touched_wallets as t (wallet, cause, bucket, not_before)
select wallet, 'price', bucket, now() + interval '{PRICE_DELAY_SECONDS} seconds' from (
    select wallet, bucket from realized_trades where mint = any(%(mints)s) and ts > %(since)s
    union
    select wallet, bucket from lots
    where mint = any(%(mints)s) and entry_ts > %(since)s and (qty_remaining_raw > 0 or qty_in_pool_raw > 0)
) concerned
order by wallet
on conflict (wallet, cause) do update set version = excluded.version, touched_at = excluded.touched_at where t.is_taken
"""  # noqa: S608

NOTIFY = f"notify {TOUCHED_CHANNEL}"

# For statements that take a transaction back: `gone` has its sig. All of them see the rows as they were before.
TOUCHED_BY_GONE = f"""
concerned as (
    select distinct h.wallet, h.bucket from hot_position_events h join gone using (sig)
), traded as (
    select distinct unnest(array[m.mint, m.quote_mint]) as mint from hot_market_events m join gone using (sig)
    where m.kind = 'trade'
), priced as (
    select wallet, bucket from realized_trades
    where mint in (select mint from traded) and ts > (select max(ts) from gone) - interval '{LOOK_BACK_DAYS} days'
    union
    select wallet, bucket from lots
    where mint in (select mint from traded) and entry_ts > (select max(ts) from gone) - interval '{LOOK_BACK_DAYS} days'
      and (qty_remaining_raw > 0 or qty_in_pool_raw > 0)
), touched as (
    insert into touched_wallets as t (wallet, cause, bucket)
    select wallet, cause, bucket from (
        select wallet, 'event' as cause, bucket from concerned
        union all select wallet, 'price', bucket from priced where wallet not in (select wallet from concerned)
    ) both_causes
    order by cause, wallet
    {ON_TOUCHED_EVENT}
    returning wallet
)
"""  # noqa: S608

CORRECTION_COLUMNS = (
    "actions_removed, moves_removed, events_removed, lots_removed, trades_removed, moments_removed, market_events_removed, "
    "wallets_touched"
)
COUNTED_OF_GONE = """
(select count(*) from actions a where a.sig = gone.sig),
(select count(*) from hot_moves m where m.sig = gone.sig),
(select count(*) from hot_position_events h where h.sig = gone.sig),
(select count(*) from lots l where l.wallet in (select wallet from concerned) and l.sig = gone.sig),
(select count(*) from realized_trades r where r.wallet in (select wallet from concerned) and r.sig = gone.sig),
(select count(*) from oof_moments o where o.wallet in (select wallet from concerned) and o.sig_ref = gone.sig),
(select count(*) from hot_market_events m where m.sig = gone.sig),
(select count(*) from touched)
"""

# The wallets of this bucket whose file has changed under what waits: they are made again from both.
TOUCH_WAITING_OF_BUCKET = f"""
insert into touched_wallets as t (wallet, cause, bucket)
select wallet, 'event', bucket from hot_position_events where bucket = %s group by wallet, bucket order by wallet
{ON_TOUCHED_EVENT}
"""  # noqa: S608

# A row goes once the file holds its day as it was decoded with its transaction: one statement sees is_decoded and both
# digests as of one instant.
LET_GO_OF_BUCKET = """
delete from hot_position_events h using tx_raw r
where h.bucket = %(bucket)s and r.sig = h.sig and r.is_decoded
  and coalesce((select s.sha256 from wallet_slices s where s.bucket = h.bucket and s.day = h.day), '-')
    = coalesce((select c.sha256 from wallet_bucket_contents c where c.bucket = h.bucket and c.day = h.day), '-')
"""

UNPLACED_SLOTS = """
select distinct t.slot from tx_raw t
where t.sig = any(%s) and t.tx_index is null and t.object_key is null
  and exists (
      select from hot_position_events mine
      join hot_position_events other on other.wallet = mine.wallet and other.sig <> mine.sig
      join tx_raw o on o.sig = other.sig
      where mine.sig = t.sig and o.slot = t.slot
  )
"""

PLACE_IN_SLOT = f"""
with placed as (
    update tx_raw r set tx_index = b.place - 1
    from unnest(%(signatures)s::text[]) with ordinality as b (sig, place)
    where r.sig = b.sig and r.slot = %(slot)s and r.tx_index is null and r.object_key is null
    returning r.sig
), touched as (
    insert into touched_wallets as t (wallet, cause, bucket)
    select wallet, 'event', bucket from hot_position_events h join placed using (sig)
    group by wallet, bucket order by wallet
    {ON_TOUCHED_EVENT}
)
select count(*) from placed
"""  # noqa: S608
