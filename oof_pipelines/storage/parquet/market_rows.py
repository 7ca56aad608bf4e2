"""Events of the market as rows of market_events and risk_flags, and back: `event_of(row_of(event))` is the event.

A field has a column of its own name but for those of `_COLUMN_OF`; where a kind has no such field the column is null, or
'' where it takes no nulls. Who launched a token or made a pool stands in `wallet` too: one column says whose doing it was.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import polars as pl

from oof_pipelines.market.events import (
    EventPlace,
    Graduation,
    LiquidityChanged,
    MarketEvent,
    Migration,
    PoolCreated,
    PoolState,
    RiskFlag,
    TokenLaunched,
    TokenMintInfo,
    Trade,
    WalletBalance,
)
from oof_pipelines.storage.parquet.dataset import RAW_AMOUNT
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS, RISK_FLAGS

Row = tuple[Any, ...]

_TYPES: tuple[type[MarketEvent], ...] = (
    Trade,
    PoolState,
    TokenMintInfo,
    TokenLaunched,
    PoolCreated,
    LiquidityChanged,
    Graduation,
    Migration,
    RiskFlag,
    WalletBalance,
)
_COLUMN_OF = {
    "trader": "wallet",
    "trader_balance_raw": "wallet_balance_raw",
    "balance_raw": "wallet_balance_raw",
    "decimals": "base_decimals",
}
_MADE_BY_CREATOR = (TokenLaunched, PoolCreated)
_COLUMNS = list(MARKET_EVENTS.columns)
_AMOUNTS = [name for name, dtype in MARKET_EVENTS.columns.items() if dtype == RAW_AMOUNT]
_IS_AMOUNT = [name in _AMOUNTS for name in _COLUMNS]
_SIGNATURE, _SLOT, _TX_INDEX, _BLOCK_TIME, _LOG_IDX, _KIND, _ORDINAL = map(
    _COLUMNS.index, ("signature", "slot", "tx_index", "block_time", "log_idx", "kind", "ordinal")
)


_place_of = itemgetter(_SIGNATURE, _SLOT, _TX_INDEX, _BLOCK_TIME, _LOG_IDX, _ORDINAL)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Of one kind: its type, a row with nothing in it, for each field behind the place its name and column, and what takes
    the values of those columns out of a row.
    """

    made: Callable[..., MarketEvent]
    empty: list[Any]
    fields: tuple[tuple[str, int], ...]
    written_too: tuple[tuple[str, int], ...]
    values_of: Callable[[Sequence[Any]], tuple[Any, ...]]


def _layout(made: type[MarketEvent]) -> _Layout:
    empty = [None if column.nullable else "" for column in MARKET_EVENTS.schema.columns.values()]
    empty[_KIND] = made.KIND
    names = [name for name in made.__struct_fields__ if name != "place"]
    fields = tuple((name, _COLUMNS.index(_COLUMN_OF.get(name, name))) for name in names)
    written_too = (("creator", _COLUMNS.index("wallet")),) if made in _MADE_BY_CREATOR else ()
    return _Layout(made, empty, fields, written_too, itemgetter(*(at for _, at in fields)))


_LAYOUTS = {made.KIND: _layout(made) for made in _TYPES}


def row_of(event: MarketEvent) -> Row:
    """The event in the columns of market_events, which are those of risk_flags. Amounts are ints."""
    layout, place = _LAYOUTS[event.KIND], event.place
    row = layout.empty.copy()
    row[_SIGNATURE], row[_SLOT], row[_TX_INDEX] = place.signature, place.slot, place.tx_index
    row[_BLOCK_TIME] = datetime.fromtimestamp(place.block_time_s, UTC)
    row[_LOG_IDX], row[_ORDINAL] = place.log_idx, place.ordinal
    for name, at in (*layout.fields, *layout.written_too):
        row[at] = getattr(event, name)
    return tuple(row)


def event_of(row: Sequence[Any]) -> MarketEvent:
    """The event of a row in those columns; amounts may be ints or whole Decimals. KeyError where its kind is none."""
    plain = [int(value) if _IS_AMOUNT[at] and value is not None else value for at, value in enumerate(row)]
    plain[_BLOCK_TIME] = int(row[_BLOCK_TIME].timestamp())
    return _event(plain)


def _event(row: Sequence[Any]) -> MarketEvent:
    """Of a row whose amounts are ints and whose block time is in seconds."""
    layout = _LAYOUTS[row[_KIND]]
    return layout.made(EventPlace(*_place_of(row)), *layout.values_of(row))


def risk_frame(flags: Iterable[RiskFlag]) -> pl.DataFrame:
    """Flags as a frame of risk_flags, in its order."""
    values = list(zip(*map(row_of, flags), strict=True)) or [() for _ in _COLUMNS]
    series = []
    for (name, dtype), column in zip(RISK_FLAGS.columns.items(), values, strict=True):
        # Amounts by way of 128-bit integers: exact, and refused where too large.
        is_amount = dtype == RAW_AMOUNT
        one = pl.Series(name, column, dtype=pl.Int128 if is_amount else dtype)
        series.append(one.cast(RAW_AMOUNT) if is_amount else one)
    return RISK_FLAGS.arrange(pl.DataFrame(series))


def events_of(frame: pl.DataFrame) -> Iterator[MarketEvent]:
    """The events of rows of market_events or risk_flags, in the order given."""
    plain = frame.select(_COLUMNS).with_columns(
        pl.col(_AMOUNTS).cast(pl.Int128), pl.col("block_time").dt.epoch("s").alias("block_time")
    )
    # Columns as lists, put together row by row: a third of the time that Polars takes to give rows.
    return map(_event, zip(*(column.to_list() for column in plain.get_columns()), strict=True))
