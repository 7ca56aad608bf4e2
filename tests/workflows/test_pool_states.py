"""The few states of pools that a comparison looks at give the same moments as all of them would."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from position_world import COIN, START, address

from oof_pipelines.config_files import read_config
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.detectors.input import Swap
from oof_pipelines.detectors.pools import KnownPools
from oof_pipelines.detectors.thresholds import FILE, read_thresholds
from oof_pipelines.detectors.wallet_input import pool_states_of
from oof_pipelines.storage.parquet.dataset import RAW_AMOUNT
from oof_pipelines.storage.parquet.market_rows import events_of
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.workflows.pool_states import rows_looked_at

LIMITS = read_thresholds(read_config(FILE)).bad_route
SLOT, T = 300_000_000, int(START.timestamp())
OTHER = address("other coin")


def row(place: int, **changes: Any) -> dict[str, Any]:
    """A trade of 1,000 for 1,000 or so in a pool of a million each, `place` slots after the first."""
    nothing = {name: None if column.nullable else "" for name, column in MARKET_EVENTS.schema.columns.items()}
    return (
        nothing
        | {
            "signature": f"s{place}",
            "slot": SLOT + place,
            "tx_index": 3,
            "block_time": datetime.fromtimestamp(T + place, UTC),
            "log_idx": 1,
            "kind": "trade",
            "ordinal": 0,
            "venue": "raydium_cpmm",
            "pool": "pool",
            "mint": COIN,
            "quote_mint": USDC_MINT,
            "is_buy": True,
            "base_raw": 1_000,
            "quote_raw": 1_000,
            "reserve_kind": "vault",
            "base_reserve_raw": 1_000_000,
            "quote_reserve_raw": 1_000_000,
        }
        | changes
    )


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    columns = []
    for name, dtype in MARKET_EVENTS.columns.items():
        values = [one[name] for one in rows]
        is_amount = dtype == RAW_AMOUNT
        series = pl.Series(name, values, dtype=pl.Int128 if is_amount else dtype)
        columns.append(series.cast(RAW_AMOUNT) if is_amount else series)
    return MARKET_EVENTS.arrange(pl.DataFrame(columns))


def swap(place: int, tx_index: int | None = 5, sold: str = USDC_MINT, bought: str = COIN, amount: int = 5_000) -> Swap:
    at_s = T + place
    return Swap("w", f"w{place}", "0", SLOT + place, tx_index, at_s, sold, amount, bought, 1, "", "", None, "", None)


def test_of_a_pool_the_state_before_the_one_after_and_its_newest_trade() -> None:
    changed = {"kind": "liquidity_changed", "is_add": True, "is_buy": None, "reserve_kind": ""}
    rows = [row(0), row(1), row(2, **changed), row(3, **changed), row(9), row(10), row(1, pool="other", signature="o")]
    kept = rows_looked_at(frame(rows), [swap(5)], LIMITS)
    assert kept["signature"].to_list() == ["o", "s1", "s3", "s9"]


def test_states_of_other_pairs_venues_and_unknown_reserves_are_left_out() -> None:
    rows = [
        row(0, mint=OTHER),
        row(1, venue="meteora_dlmm"),
        row(2, base_reserve_raw=None),
        row(3, reserve_kind="virtual"),
        row(4, signature="kept"),
    ]
    assert rows_looked_at(frame(rows), [swap(5)], LIMITS)["signature"].to_list() == ["kept"]


def test_without_swaps_or_events_there_is_nothing() -> None:
    assert rows_looked_at(frame([row(0)]), [], LIMITS).is_empty()
    assert rows_looked_at(frame([]), [swap(1)], LIMITS).is_empty()


_PLACED = st.builds(
    lambda place, index, pool, mint, trade, reserve, name: row(
        place,
        tx_index=index,
        pool=pool,
        mint=mint,
        base_reserve_raw=reserve,
        signature=name,
        **({} if trade else {"kind": "liquidity_changed", "is_add": True, "is_buy": None, "reserve_kind": ""}),
    ),
    st.integers(0, 12),
    st.none() | st.integers(0, 6),
    st.sampled_from(["a", "b"]),
    st.sampled_from([COIN, OTHER]),
    st.booleans(),
    st.sampled_from([998_000, 999_000, 1_000_000]),
    st.text("xyz", min_size=4, max_size=4),
)
_SWAPS = st.builds(
    swap,
    st.integers(0, 12),
    st.none() | st.integers(0, 6),
    st.just(USDC_MINT),
    st.sampled_from([COIN, OTHER]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_PLACED, max_size=14, unique_by=lambda one: one["signature"]), st.lists(_SWAPS, max_size=3))
def test_what_pools_would_have_given_is_the_same(rows: list[dict[str, Any]], swaps: list[Swap]) -> None:
    events = frame(rows)
    kept = rows_looked_at(events, swaps, LIMITS)
    everything = KnownPools(pool_states_of(events_of(events)), LIMITS, T + 10**6)
    few = KnownPools(pool_states_of(events_of(kept)), LIMITS, T + 10**6)
    for one in swaps:
        assert few.offers(one) == everything.offers(one)
