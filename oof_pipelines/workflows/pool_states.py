"""What pools held around a wallet's swaps: of the market's events of their days, the few states that a comparison looks at.

A popular pair has thousands of trades an hour. Of each pool of a swap's pair three count: the newest state before the swap's
transaction, the one after it, and the pool's newest trade up to it (detectors/pools.py says what they are for).
"""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Protocol

import polars as pl

from oof_pipelines.detectors.input import DAY_S, PoolState, Swap
from oof_pipelines.detectors.thresholds import VIRTUAL, BadRouteThresholds
from oof_pipelines.detectors.wallet_input import pool_states_of
from oof_pipelines.market.events import GRADUATION, TRADE
from oof_pipelines.storage.parquet.market_rows import events_of

# Slot and position in the block as one number; an unknown position stands behind the known ones of its slot.
_PLACES_A_SLOT = 1 << 20
_POOL = ["venue", "pool", "mint", "quote_mint"]


class PoolEvents(Protocol):
    """Where market_events are read, of several days at once."""

    def pool_events(self, days: Collection[date], mints: Collection[str], venues: Collection[str]) -> pl.DataFrame:
        """Trades, changed liquidity and graduations of pairs of `mints` at `venues` on these days."""
        ...


def pool_states_around(source: PoolEvents, swaps: Sequence[Swap], limits: BadRouteThresholds) -> list[PoolState]:
    """The states that BadRoute looks at for these swaps, in the order of the chain."""
    if not swaps:
        return []
    numbers = {
        at_s // DAY_S
        for swap in swaps
        for at_s in (swap.at_s - limits.pool_state_age_seconds, swap.at_s, swap.at_s + limits.proof_seconds)
    }
    days = {datetime.fromtimestamp(number * DAY_S, UTC).date() for number in numbers}
    mints = {mint for swap in swaps for mint in (swap.sold_mint, swap.bought_mint)}
    events = source.pool_events(days, mints, limits.pools)
    return pool_states_of(events_of(rows_looked_at(events, swaps, limits)))


def rows_looked_at(events: pl.DataFrame, swaps: Sequence[Swap], limits: BadRouteThresholds) -> pl.DataFrame:
    """Of rows of market_events those that are looked at for `swaps`, in the columns of market_events."""
    # Few and short columns until it is known which rows count.
    told = events.with_row_index("event").filter(_is_state(limits))
    pools = told.select(*_POOL).unique(maintain_order=True).with_row_index("pool_number")
    in_order = (
        told.select("event", "signature", "log_idx", "kind", "ordinal", *_POOL, place=_place())
        .join(pools, on=_POOL, how="left", maintain_order="left")
        .drop(_POOL)
        .sort("place", "signature", "log_idx", "kind", "ordinal")
        .with_columns(
            following=pl.col("event").shift(-1).over("pool_number"),
            newest_trade=pl.when(pl.col("kind") == TRADE).then("event").forward_fill().over("pool_number"),
        )
    )
    pairs = pools.select("pool_number", pair=_pair("mint", "quote_mint"))
    before = (
        _asked(swaps)
        .join(pairs, on="pair")
        .sort("place")
        .join_asof(
            in_order.select("pool_number", "place", "event", "following", "newest_trade"),
            on="place",
            by="pool_number",
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
    )
    counted = pl.concat([before[name] for name in ("event", "following", "newest_trade")]).drop_nulls().unique()
    return events[counted.sort().to_list()] if counted.len() else events.clear()


def _place() -> pl.Expr:
    """Slot and position in the block as one number: the order of the chain but for what shares a transaction."""
    return pl.col("slot") * _PLACES_A_SLOT + pl.col("tx_index").cast(pl.Int64).fill_null(_PLACES_A_SLOT - 1)


def _is_state(limits: BadRouteThresholds) -> pl.Expr:
    """Whether a row tells the reserves that its venue's pools price by. A graduated curve has none any more."""
    is_virtual_venue = pl.col("venue").is_in(
        sorted(venue for venue, rule in limits.pools.items() if rule.reserves == VIRTUAL)
    )
    is_virtual = (pl.col("kind") == GRADUATION) | (pl.col("reserve_kind") == VIRTUAL)
    is_told = pl.col("base_reserve_raw").is_not_null() & pl.col("quote_reserve_raw").is_not_null()
    is_known = pl.col("venue").is_in(sorted(limits.pools))
    return is_known & (is_virtual == is_virtual_venue) & (is_told | (pl.col("kind") == GRADUATION))


def _asked(swaps: Sequence[Swap]) -> pl.DataFrame:
    """`pair` and the `place` of each swap; one whose position in its block is unknown stands before all of its slot."""
    rows = [(swap.sold_mint, swap.bought_mint, swap.slot * _PLACES_A_SLOT + (swap.tx_index or 0)) for swap in swaps]
    schema = {"sold_mint": pl.String, "bought_mint": pl.String, "place": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.select("place", pair=_pair("sold_mint", "bought_mint")).unique()


def _pair(first: str, second: str) -> pl.Expr:
    """Both mints, whichever comes first."""
    return pl.concat_str(pl.min_horizontal(first, second), pl.max_horizontal(first, second), separator=" ")
