"""Looked-up prices: newest that had ended, highest and lowest wholly inside, of the timeframe that the age asks for."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trade_rows import COIN, MIDNIGHT, OTHER, SOL

from oof_pipelines.pricing.lookup import (
    CANDLE_COLUMNS,
    STALE_AFTER_S,
    USD,
    extreme_prices,
    newest_prices,
    prices_in,
    timeframe_at,
)
from oof_pipelines.storage.parquet.price_schemas import PRICE_1M

_TYPES = {name: PRICE_1M.columns[name] for name in CANDLE_COLUMNS}
LATER = MIDNIGHT + timedelta(days=1)


def candle(
    minute: int, usd: str | None, *, mint: str = COIN, sol: str = "1", is_primary: bool = True
) -> tuple[object, ...]:
    start = MIDNIGHT + timedelta(minutes=minute)
    price = Decimal(usd) if usd is not None else None
    sure = Decimal("0.9") if usd is not None else None
    source = "klines" if usd is not None else ""
    end = start + timedelta(minutes=1)
    return mint, SOL, start, Decimal(sol), price, "swaps", Decimal("0.8"), source, sure, is_primary, end


def frame(*candles: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(candles), schema=_TYPES, orient="row")


def at(*minutes: float, mint: str = COIN) -> pl.DataFrame:
    instants = [MIDNIGHT + timedelta(minutes=minute) for minute in minutes]
    return pl.DataFrame({"mint": mint, "at": instants}, schema={"mint": pl.String, "at": pl.Datetime("us", "UTC")})


def window(first: float, last: float) -> pl.DataFrame:
    return at(first).select("mint", pl.col("at").alias("since")).with_columns(at(last)["at"].alias("until"))


def asked(candles: pl.DataFrame, *minutes: float, unit: str = USD) -> list[Decimal | None]:
    answers = newest_prices(at(*minutes), prices_in(candles, unit, LATER), "1m").sort("at")
    return answers["price"].to_list()


def test_a_candle_counts_from_its_end_on_and_not_for_ever() -> None:
    candles = frame(candle(0, "10"), candle(5, "11"))

    assert asked(candles, 0, 0.99, 1, 5.99, 6) == [None, None, 10, 10, 11]
    limit_minutes = STALE_AFTER_S["1m"] / 60
    assert asked(candles, 6 + limit_minutes, 6.01 + limit_minutes) == [11, None]


@pytest.mark.parametrize("unit", [USD, SOL])
def test_a_candle_that_ended_after_the_asking_does_not_count(unit: str) -> None:
    candles = frame(candle(0, "10"), candle(5, "11"))
    known = {
        seconds: prices_in(candles, unit, MIDNIGHT + timedelta(minutes=6, seconds=seconds))["candle_start"].to_list()
        for seconds in (-1, 0)
    }
    assert known == {-1: [MIDNIGHT], 0: [MIDNIGHT, MIDNIGHT + timedelta(minutes=5)]}


def test_confidence_goes_with_age() -> None:
    prices = prices_in(frame(candle(0, "10")), USD, LATER)
    # 0.8 of the candle times 0.9 of the rate; all of it at once, three quarters after half an hour, half after an hour.
    answers = newest_prices(at(1, 31, 61), prices, "1m").sort("at")
    assert answers["confidence"].to_list() == [Decimal("0.72"), Decimal("0.54"), Decimal("0.36")]


def test_dollars_are_of_primary_candles_and_other_units_of_their_quote() -> None:
    candles = frame(
        candle(0, "10", sol="0.1"), candle(1, "99", sol="0.2", is_primary=False), candle(2, None, sol="0.3")
    )

    assert asked(candles, 1, 2, 3) == [10, 10, 10]
    assert asked(candles, 1, 2, 3, unit=SOL) == [Decimal("0.1"), Decimal("0.2"), Decimal("0.3")]
    assert asked(candles, 3, unit=OTHER) == [None]


def test_the_extreme_lies_wholly_inside_and_is_the_earliest_of_equals() -> None:
    candles = frame(candle(0, "50"), candle(1, "10"), candle(3, "30"), candle(5, "30"), candle(6, "60"))
    prices = prices_in(candles, USD, LATER)

    def extreme(first: float, last: float, *, is_highest: bool) -> tuple[Decimal | None, datetime | None]:
        [row] = extreme_prices(window(first, last), prices, "1m", is_highest=is_highest).to_dicts()
        return row["price"], row["candle_start"]

    assert extreme(0.5, 6.5, is_highest=True) == (30, MIDNIGHT + timedelta(minutes=3))
    assert extreme(0.5, 6.5, is_highest=False) == (10, MIDNIGHT + timedelta(minutes=1))
    assert extreme(0, 7, is_highest=True) == (60, MIDNIGHT + timedelta(minutes=6))
    assert extreme(3.1, 3.9, is_highest=True) == (None, None)


@pytest.mark.parametrize(
    ("days", "timeframe"),
    [(-1, "1m"), (0, "1m"), (7, "1m"), (7.001, "5m"), (180, "5m"), (180.001, "1h"), (730, "1h"), (730.001, None)],
)
def test_the_timeframe_goes_by_age(days: float, timeframe: str | None) -> None:
    as_of = datetime(2026, 1, 5, 12, tzinfo=UTC)
    asked_for = pl.DataFrame({"at": [as_of - timedelta(days=days)]}, schema={"at": pl.Datetime("us", "UTC")})
    assert asked_for.select(timeframe_at(pl.col("at"), as_of)).item() == timeframe


_MINUTES = st.lists(st.tuples(st.integers(0, 90), st.integers(1, 5), st.sampled_from([COIN, OTHER])), max_size=25)


@settings(max_examples=50, deadline=None)
@given(_MINUTES, st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)), min_size=1, max_size=8))
def test_answers_are_those_of_a_look_at_every_candle(
    made: list[tuple[int, int, str]], questions: list[tuple[int, int]]
) -> None:
    candles = {(minute, mint): price for minute, price, mint in made}
    prices = prices_in(frame(*(candle(m, str(p), mint=mint) for (m, mint), p in candles.items())), USD, LATER)
    own = {minute: price for (minute, mint), price in candles.items() if mint == COIN}

    instants = [half / 2 for half, _ in questions]
    found = newest_prices(at(*instants).with_row_index("n"), prices, "1m").sort("n")["price"].to_list()
    for instant, price in zip(instants, found, strict=True):
        ended = [minute for minute in own if minute + 1 <= instant <= minute + 1 + STALE_AFTER_S["1m"] / 60]
        assert price == (own[max(ended)] if ended else None)

    windows = pl.concat(window(half / 2, half / 2 + length) for half, length in questions)
    for is_highest in (True, False):
        answers = extreme_prices(windows, prices, "1m", is_highest=is_highest)
        for (half, length), row in zip(questions, answers.to_dicts(), strict=True):
            inside = {m: p for m, p in own.items() if m >= half / 2 and m + 1 <= half / 2 + length}
            best = (max if is_highest else min)(inside.values(), default=None)
            first = min((m for m, p in inside.items() if p == best), default=None)
            start = MIDNIGHT + timedelta(minutes=first) if first is not None else None
            assert (row["price"], row["candle_start"]) == (best, start)
