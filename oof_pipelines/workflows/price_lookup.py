"""at_minute, max_in, min_in: for many questions at once from the Parquet files, and for one mint from the served candles.

Both ways end in the same code (pricing/lookup.py) and give the same answers; it says what counts and how old it may be. Of
a window the timeframe is that of its beginning. Only candles that had ended by `as_of` answer, so a question that reaches
beyond it is answered as it would have been then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import polars as pl

from oof_pipelines.pricing.candle_columns import TIMEFRAMES
from oof_pipelines.pricing.lookup import (
    ANSWER,
    CANDLE_COLUMNS,
    STALE_AFTER_S,
    USD,
    extreme_prices,
    newest_prices,
    prices_in,
    timeframe_at,
)
from oof_pipelines.storage.parquet.price_schemas import PRICE_1M

_SECOND = timedelta(seconds=1)


class CandleFiles(Protocol):
    """Where days of candles are read."""

    def days(self, dataset: str) -> list[date]: ...

    def batches(
        self, dataset: str, day: date, *, columns: list[str] | None = None, where: pl.Expr | None = None
    ) -> Iterator[pl.DataFrame]: ...


class ServedMint(Protocol):
    """Where one mint's candles are read."""

    def read(self, mint: str, timeframe: str, since: datetime, until: datetime) -> pl.DataFrame:
        """Candles that begin from `since` to before `until`."""
        ...


@dataclass(frozen=True, slots=True)
class LookedUpPrice:
    """A price as a candle gives it: in dollars, or in whole units of `quote_mint` where that was the unit asked for."""

    price: Decimal
    quote_mint: str
    source: str
    usd_source: str
    confidence: Decimal
    candle_start: datetime
    available_at: datetime
    timeframe: str


def at_minute(files: CandleFiles, questions: pl.DataFrame, as_of: datetime, *, unit: str = USD) -> pl.DataFrame:
    """`questions` (mint, at in UTC, and any other columns) in their order, with the columns of `ANSWER`."""
    parts = _by_timeframe(questions, "at", as_of)
    answered = []
    for timeframe, rows in parts:
        first = _least(rows["at"]) - (STALE_AFTER_S[timeframe] + TIMEFRAMES[timeframe]) * _SECOND
        prices = _prices_of_files(files, timeframe, rows["mint"], first, _most(rows["at"]), unit, as_of)
        answered.append(newest_prices(rows, prices, timeframe))
    return _joined(questions, answered)


def max_in(files: CandleFiles, questions: pl.DataFrame, as_of: datetime, *, unit: str = USD) -> pl.DataFrame:
    """`questions` (mint, since, until, …) with the highest mean price of a candle wholly inside, the earliest of equals."""
    return _extremes(files, questions, as_of, unit, is_highest=True)


def min_in(files: CandleFiles, questions: pl.DataFrame, as_of: datetime, *, unit: str = USD) -> pl.DataFrame:
    """As `max_in`, with the lowest."""
    return _extremes(files, questions, as_of, unit, is_highest=False)


def mint_at_minute(
    served: ServedMint, mint: str, at: datetime, as_of: datetime, *, unit: str = USD
) -> LookedUpPrice | None:
    """One mint's price at an instant, from served candles."""
    question = pl.DataFrame({"mint": [mint], "at": [at]}, schema={"mint": pl.String, "at": _INSTANT})
    for timeframe, rows in _by_timeframe(question, "at", as_of):
        since = at - (STALE_AFTER_S[timeframe] + TIMEFRAMES[timeframe]) * _SECOND
        prices = _prices_served(served, timeframe, mint, since, at, unit, as_of)
        return _answer(newest_prices(rows, prices, timeframe))
    return None


def mint_max_in(
    served: ServedMint, mint: str, since: datetime, until: datetime, as_of: datetime, *, unit: str = USD
) -> LookedUpPrice | None:
    """The highest of one mint's mean prices in a window, from served candles."""
    return _mint_extreme(served, mint, since, until, as_of, unit, is_highest=True)


def mint_min_in(
    served: ServedMint, mint: str, since: datetime, until: datetime, as_of: datetime, *, unit: str = USD
) -> LookedUpPrice | None:
    """As `mint_max_in`, the lowest."""
    return _mint_extreme(served, mint, since, until, as_of, unit, is_highest=False)


_INSTANT = pl.Datetime("us", "UTC")


def _extremes(
    files: CandleFiles, questions: pl.DataFrame, as_of: datetime, unit: str, *, is_highest: bool
) -> pl.DataFrame:
    answered = []
    for timeframe, rows in _by_timeframe(questions, "since", as_of):
        first, last = _least(rows["since"]), _most(rows["until"])
        prices = _prices_of_files(files, timeframe, rows["mint"], first, last, unit, as_of)
        answered.append(extreme_prices(rows, prices, timeframe, is_highest=is_highest))
    return _joined(questions, answered)


def _mint_extreme(
    served: ServedMint, mint: str, since: datetime, until: datetime, as_of: datetime, unit: str, *, is_highest: bool
) -> LookedUpPrice | None:
    schema = {"mint": pl.String(), "since": _INSTANT, "until": _INSTANT}
    question = pl.DataFrame({"mint": [mint], "since": [since], "until": [until]}, schema=schema)
    for timeframe, rows in _by_timeframe(question, "since", as_of):
        prices = _prices_served(served, timeframe, mint, since, until, unit, as_of)
        return _answer(extreme_prices(rows, prices, timeframe, is_highest=is_highest))
    return None


def _by_timeframe(questions: pl.DataFrame, instant: str, as_of: datetime) -> list[tuple[str, pl.DataFrame]]:
    """The questions, numbered, by the timeframe that answers them; those older than any are left out."""
    numbered = questions.with_row_index("asked").with_columns(timeframe_at(pl.col(instant), as_of).alias("timeframe"))
    parts = [(name, numbered.filter(pl.col("timeframe") == name).drop("timeframe")) for name in TIMEFRAMES]
    return [(name, rows) for name, rows in parts if rows.height]


def _prices_of_files(
    files: CandleFiles,
    timeframe: str,
    mints: pl.Series,
    first: datetime,
    last: datetime,
    unit: str,
    as_of: datetime,
) -> pl.DataFrame:
    """Prices of the mints from candles that begin from `first` to `last` and had ended by `as_of`."""
    dataset = f"price_{timeframe}"
    last = min(last, as_of)
    where = pl.col("mint").is_in(mints.unique().implode()) & pl.col("bucket_start").is_between(first, last)
    found = [pl.DataFrame(schema={name: PRICE_1M.columns[name] for name in CANDLE_COLUMNS})]
    for day in files.days(dataset):
        if first.astimezone(UTC).date() <= day <= last.astimezone(UTC).date():
            found += files.batches(dataset, day, columns=list(CANDLE_COLUMNS), where=where)
    return prices_in(pl.concat(found), unit, as_of)


def _prices_served(
    served: ServedMint, timeframe: str, mint: str, since: datetime, until: datetime, unit: str, as_of: datetime
) -> pl.DataFrame:
    """Prices of a mint from served candles that begin from `since` to before `until` and had ended by `as_of`."""
    candles = served.read(mint, timeframe, since, min(until, as_of)).select(CANDLE_COLUMNS)
    return prices_in(candles, unit, as_of)


def _joined(questions: pl.DataFrame, answered: list[pl.DataFrame]) -> pl.DataFrame:
    nothing = pl.DataFrame(schema={"asked": pl.get_index_type(), **ANSWER})
    answers = pl.concat([nothing, *(rows.select("asked", *ANSWER) for rows in answered)])
    return questions.with_row_index("asked").join(answers, on="asked", how="left", maintain_order="left").drop("asked")


def _answer(rows: pl.DataFrame) -> LookedUpPrice | None:
    [row] = rows.select(list(ANSWER)).to_dicts()
    return LookedUpPrice(**row) if row["price"] is not None else None


def _least(instants: pl.Series) -> datetime:
    least = instants.min()
    assert isinstance(least, datetime)
    return least


def _most(instants: pl.Series) -> datetime:
    most = instants.max()
    assert isinstance(most, datetime)
    return most
