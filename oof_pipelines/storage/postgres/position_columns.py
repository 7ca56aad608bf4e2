"""The columns in which Postgres serves positions and moments, and a row of the files in them.

The names are those of spec 2 §3 where it has one. What Postgres has more is made here, exactly: whole tokens from base units,
and prices of a whole token, which are for show.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import polars as pl

from oof_pipelines.detectors.extremes import NAMES as EXTREME_NAMES
from oof_pipelines.storage.parquet.dataset import RAW_AMOUNT, Dataset
from oof_pipelines.storage.parquet.position_schemas import LOTS, OOF_MOMENTS, REALIZED_TRADES

Row = tuple[Any, ...]

_CONTEXT = Context(prec=120)
_EIGHTEEN_PLACES = Decimal(1).scaleb(-18)
# Of NUMERIC(38,18): a price that has no room there is not shown.
_TOO_LARGE = Decimal(10) ** 20

_SERVED_AS = {
    "signature": "sig",
    "entry_at": "entry_ts",
    "sold_at": "ts",
    "start_at": "start_ts",
    "end_at": "end_ts",
    "start_signature": "start_sig",
    "end_signature": "end_sig",
    "cost_usd": "cost_usd_dec",
    "cost_remaining_usd": "cost_remaining_usd_dec",
    "proceeds_usd": "proceeds_usd_dec",
    "unknown_proceeds_usd": "unknown_proceeds_usd_dec",
    "realized_pnl_usd": "realized_pnl_usd_dec",
    "average_cost_usd": "average_cost_usd_dec",
    "average_pnl_usd": "average_pnl_usd_dec",
    "basis_usd": "basis_usd_dec",
    "roi_pct": "roi_pct_dec",
    "fees_usd": "fees_usd_dec",
}
_MOMENT_SERVED_AS = {
    "event_at": "t_event",
    "window_start_at": "window",
    "pct": "pct_dec",
    "missed_usd": "missed_usd_dec",
    "reachable_usd": "reachable_usd_dec",
    "severity": "severity_dec",
    "confidence": "confidence_dec",
    "signature": "sig_ref",
    "path": "path_ref",
    "slot": "slot_ref",
}


@dataclass(frozen=True, slots=True)
class _Whole:
    """A column of whole tokens made from one of base units, and a column with the price of one, of `usd` dollars in all."""

    tokens: str
    units: str


@dataclass(frozen=True, slots=True)
class _Made:
    tokens: tuple[_Whole, ...]
    price: str
    price_of: tuple[str, str]


_MADE = {
    LOTS.name: _Made(
        (_Whole("qty_initial", "qty_initial_raw"), _Whole("qty_remaining", "qty_remaining_raw")),
        "entry_px_usd_dec",
        ("cost_usd", "qty_initial_raw"),
    ),
    REALIZED_TRADES.name: _Made((_Whole("qty", "qty_raw"),), "vwavg_exit_px_usd_dec", ("proceeds_usd", "qty_raw")),
}


def served_columns(dataset: Dataset) -> list[str]:
    """The columns of the table of the dataset's name, but for `bucket`, in the order of `served_rows`."""
    if dataset is OOF_MOMENTS:
        return [_MOMENT_SERVED_AS.get(name, name) for name in dataset.columns if name != "window_end_at"]
    made = _MADE.get(dataset.name)
    more = [*(one.tokens for one in made.tokens), made.price] if made else []
    return [*(_SERVED_AS.get(name, name) for name in dataset.columns), *more]


def served_rows(dataset: Dataset, frame: pl.DataFrame) -> Iterator[Row]:
    """The frame's rows in `served_columns`."""
    if dataset is OOF_MOMENTS:
        yield from _moment_rows(frame)
        return
    made = _MADE.get(dataset.name)
    amounts = [name for name, dtype in dataset.columns.items() if dtype == RAW_AMOUNT]
    plain = frame.with_columns(pl.col(amounts).cast(pl.Int128)) if amounts else frame
    if made is None:
        yield from plain.iter_rows()
        return
    at = {name: place for place, name in enumerate(frame.columns)}
    decimals_at, (usd, units) = at["decimals"], made.price_of
    for row in plain.iter_rows():
        decimals = row[decimals_at]
        tokens = [whole_tokens(row[at[one.units]], decimals) for one in made.tokens]
        yield (*row, *tokens, unit_price(row[at[usd]], row[at[units]], decimals))


def whole_tokens(units_raw: int, decimals: int | None) -> Decimal | None:
    """Base units in whole tokens, exactly; None where the decimals are unknown."""
    return None if decimals is None else Decimal(units_raw).scaleb(-decimals, _CONTEXT)


def unit_price(usd: Decimal | None, units_raw: int, decimals: int | None) -> Decimal | None:
    """Dollars a whole token, half-even at 18 places; None where something is unknown, of no units, or it has no room."""
    if usd is None or decimals is None or not units_raw:
        return None
    price = _CONTEXT.divide(usd.scaleb(decimals, _CONTEXT), Decimal(units_raw))
    rounded = price.quantize(_EIGHTEEN_PLACES, ROUND_HALF_EVEN, _CONTEXT)
    return rounded if rounded < _TOO_LARGE else None


def _moment_rows(frame: pl.DataFrame) -> Iterator[Row]:
    """The window is one column there."""
    start_at, end_at = frame.columns.index("window_start_at"), frame.columns.index("window_end_at")
    for row in frame.iter_rows():
        values = list(row)
        values[start_at] = _range(row[start_at], row[end_at])
        del values[end_at]
        yield tuple(values)


def _range(start: datetime, end: datetime) -> str:
    return f"[{start.isoformat()},{end.isoformat()}]"


def extremes_by_wallet(frame: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """(wallet, its extremes as JSON by name, null for those it does not have), from rows of wallet_extremes."""
    for (wallet,), rows in frame.partition_by("wallet", as_dict=True, maintain_order=True).items():
        told = dict(zip(rows["name"], rows["told_json"], strict=True))
        yield str(wallet), "{" + ", ".join(f'"{name}": {told.get(name, "null")}' for name in EXTREME_NAMES) + "}"
