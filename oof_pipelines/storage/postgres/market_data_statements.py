"""SQL of the market's readings. Each insert tells how many rows it made or changed; doing it twice, the second makes none."""

_TICK = "source, mint, published_at, price_usd, confidence_usd, slot, received_at"
_QUOTE = (
    "id, source, sold_mint, sold_raw, bought_mint, bought_raw, least_bought_raw, slippage_bps, price_impact, usd_value, "
    "slot, labels, hops, asked_at"
)
_VOLUME = "source, name, at, window_hours, volume_usd"
_KLINE = "source, symbol, interval, open_at, open, high, low, close, base_volume, quote_volume, trades, is_closed"
_DEPTH = "source, symbol, last_update_id, at, bids, asks"
_METADATA = "mint, source, name, symbol, logo_url, decimals, token_program, fetched_at"
_REFUSAL = "id, source, what, subject, reason, refused_at"


def _insert(table: str, columns: str, types: str, on_conflict: str) -> str:
    parameters = ", ".join(f"%s::{name.strip()}[]" for name in types.split(","))
    # Names and types are of this file alone; values go in as parameters.
    inserted = f"insert into {table} ({columns}) select * from unnest({parameters}) on conflict {on_conflict}"  # noqa: S608
    return f"with changed as ({inserted} returning 1) select count(*) from changed"  # noqa: S608


_KLINE_VALUES = ("open", "high", "low", "close", "base_volume", "quote_volume", "trades", "is_closed")
_METADATA_VALUES = ("name", "symbol", "logo_url", "decimals", "token_program")


def _listed(prefix: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{prefix}{name}" for name in names)


# Table → (columns, statement). A row of these holds as many values as there are columns.
INSERTS: dict[str, tuple[int, str]] = {
    "price_ticks": (
        7,
        _insert(
            "price_ticks",
            _TICK,
            "text, text, timestamptz, numeric, numeric, bigint, timestamptz",
            "(source, mint, published_at) do nothing",
        ),
    ),
    "quotes": (
        14,
        _insert(
            "quotes",
            _QUOTE,
            "text, text, text, numeric, text, numeric, numeric, integer, numeric, numeric, bigint, jsonb, jsonb, timestamptz",
            "(id) do nothing",
        ),
    ),
    "volume_readings": (
        5,
        _insert(
            "volume_readings",
            _VOLUME,
            "text, text, timestamptz, integer, numeric",
            "(source, name, window_hours, at) do nothing",
        ),
    ),
    "klines": (
        12,
        _insert(
            "klines",
            _KLINE,
            "text, text, text, timestamptz, numeric, numeric, numeric, numeric, numeric, numeric, bigint, boolean",
            f"(source, symbol, interval, open_at) do update set ({_listed('', _KLINE_VALUES)}) = "
            f"({_listed('excluded.', _KLINE_VALUES)}) where not (klines.is_closed and not excluded.is_closed) "
            f"and ({_listed('klines.', _KLINE_VALUES)}) is distinct from ({_listed('excluded.', _KLINE_VALUES)})",
        ),
    ),
    "depth_snapshots": (
        6,
        _insert(
            "depth_snapshots",
            _DEPTH,
            "text, text, bigint, timestamptz, jsonb, jsonb",
            "(source, symbol, last_update_id) do nothing",
        ),
    ),
    # What a source knew once it may stop telling; that is no reason to forget it.
    "token_metadata": (
        8,
        _insert(
            "token_metadata",
            _METADATA,
            "text, text, text, text, text, smallint, text, timestamptz",
            "(mint, source) do update set "
            + ", ".join(f"{name} = coalesce(excluded.{name}, token_metadata.{name})" for name in _METADATA_VALUES)
            + ", fetched_at = excluded.fetched_at where excluded.fetched_at > token_metadata.fetched_at",
        ),
    ),
    "refused_readings": (
        6,
        _insert("refused_readings", _REFUSAL, "text, text, text, text, text, timestamptz", "(id) do nothing"),
    ),
}

# An asking that was noted already leaves the counts as they are, since nothing of it was new.
NOTE_SOURCE = """
insert into source_status as s
    (source, what, last_asked_at, last_good_at, readings, refused, last_error, last_error_at, breaker_state)
values (%(source)s, %(what)s, %(asked_at)s, %(good_at)s, %(stored)s, %(refused)s, %(error)s::text,
        case when %(error)s::text is null then null else %(asked_at)s::timestamptz end, %(breaker)s)
on conflict (source, what) do update set
    last_asked_at = greatest(s.last_asked_at, excluded.last_asked_at),
    last_good_at = greatest(s.last_good_at, excluded.last_good_at),
    readings = s.readings + excluded.readings,
    refused = s.refused + excluded.refused,
    last_error = case when excluded.last_error_at >= coalesce(s.last_error_at, '-infinity') then excluded.last_error
                      else s.last_error end,
    last_error_at = greatest(s.last_error_at, excluded.last_error_at),
    breaker_state = case when excluded.last_asked_at >= s.last_asked_at then excluded.breaker_state
                         else s.breaker_state end
returning last_good_at
"""

# Relative to what is stored, not to the clock: a store that is behind has its own lately.
TOUCHED_MINTS = """
with lately as (
    select mint, bought_mint from actions
    where kind = 'swap' and ts > (select max(ts) from tx_raw) - make_interval(days => %s)
), sides as (
    select mint from lately
    union all
    select bought_mint from lately where bought_mint <> mint
)
select mint from sides where mint not in ('', 'lamports')
group by mint order by count(*) desc, mint collate "C" limit %s
"""

MINTS_LACKING_METADATA = """
with seen as (
    select mint, max(last_at) as last_at from (
        select mint, (day + 1)::timestamp at time zone 'UTC' as last_at from token_sightings
        union all
        select h.mint, t.ts from hot_token_facts h join tx_raw t using (sig)
    ) as sightings
    group by mint
)
select seen.mint from seen
left join token_metadata m on m.mint = seen.mint and m.source = %s
where m.fetched_at is null or m.fetched_at < %s
order by m.fetched_at is not null, seen.last_at desc, seen.mint collate "C" limit %s
"""

# A source that goes wrong for weeks must not fill the disk with it.
FORGET_REFUSED = "delete from refused_readings where source = %s and what = %s and refused_at < %s"
NEWEST_KLINE = "select max(open_at) from klines where source = %s and symbol = %s and interval = %s"
FORGET_DEPTH = "with gone as (delete from depth_snapshots where at < %s returning 1) select count(*) from gone"
