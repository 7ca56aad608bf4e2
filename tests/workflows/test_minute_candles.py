"""Prices for many wallets: what is read of candles, what is kept of them, and SOL by the minute."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from position_world import COIN, OTHER_COIN, START, World, address, candle

from oof_pipelines.storage.parquet import minute_candles as reading
from oof_pipelines.storage.parquet.minute_candles import ParquetMinuteCandles, ReplacedMeanwhileError
from oof_pipelines.workflows.minute_candles import CandlePrices, MinuteCandles, candles_by_mint, sol_rates

T = int(START.timestamp())
E18 = 10**18
DAY = START.date()


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.put_candles(
        candle(0, "1.5", quote_reserve_raw=2_000_000, volume_usd=Decimal("12.5")),
        candle(5, "2.5", mint=OTHER_COIN, quote_reserve_raw=None),
        candle(7, "9", is_primary=False),
        candle(8, "9", vwap_usd=None),
        candle(24 * 60, "3"),
    )
    world.put_sol("150.25", DAY)
    return world


class Counting:
    """A source that tells what it was asked for."""

    def __init__(self, source: ParquetMinuteCandles) -> None:
        self.source = source
        self.asked: list[list[str]] = []

    def candles(self, mints: Collection[str], first_day: date, last_day: date) -> pl.DataFrame:
        self.asked.append(sorted(mints))
        return self.source.candles(mints, first_day, last_day)

    def sol_rates(self, minutes: Collection[datetime]) -> pl.DataFrame:
        return self.source.sol_rates(minutes)


def test_a_candle_is_read_to_the_last_digit(world: World) -> None:
    by_mint = candles_by_mint(world.source.candles([COIN, OTHER_COIN], DAY, DAY))
    [one] = by_mint[COIN]
    assert (one.start_s, one.end_s, one.vwap_usd_e18, one.close_usd_e18) == (T, T + 60, E18 * 3 // 2, E18 * 3 // 2)
    assert (one.volume_usd_e18, one.trades, one.signers) == (E18 * 25 // 2, 9, 7)
    assert (one.quote_reserve_usd_e18, one.source, one.usd_source) == (2 * E18, "swaps", "par")
    assert one.confidence_e18 == E18 * 8 // 10
    [other] = by_mint[OTHER_COIN]
    assert other.quote_reserve_usd_e18 is None


def test_only_the_days_and_coins_asked_for_are_read(world: World) -> None:
    source, next_day = world.source, DAY + timedelta(days=1)
    assert source.candles([COIN], DAY, next_day).height == 2
    assert source.candles([COIN], next_day, next_day).height == 1
    assert source.candles([address("never traded")], DAY, next_day).height == 0
    assert source.candles([COIN], next_day + timedelta(days=1), date.max).height == 0


def test_coins_are_read_once_and_together(world: World) -> None:
    source = Counting(world.source)
    candles = MinuteCandles(source, DAY, DAY)
    candles.windows([COIN, OTHER_COIN])
    windows = candles.windows([COIN, address("third"), OTHER_COIN])
    candles.windows([address("third")])
    assert source.asked == [sorted([COIN, OTHER_COIN]), [address("third")]]
    at = windows.at(COIN, T + 60)
    assert at is not None
    assert at.vwap_usd_e18 == E18 * 3 // 2
    assert windows.at(address("third"), T + 60) is None


def test_what_was_asked_for_longest_ago_makes_room(world: World) -> None:
    source = Counting(world.source)
    candles = MinuteCandles(source, DAY, DAY, most_kept=1)
    for mint in (COIN, COIN, OTHER_COIN, COIN):
        assert candles.windows([mint]).candles(mint, 0, T * 2)
    assert source.asked == [[COIN], [OTHER_COIN], [COIN]]
    both = candles.windows([COIN, OTHER_COIN])
    assert both.candles(COIN, 0, T * 2)
    assert both.candles(OTHER_COIN, 0, T * 2)


def test_a_coins_price_is_the_newest_candle_that_had_ended(world: World) -> None:
    prices = CandlePrices(MinuteCandles(world.source, DAY, DAY).windows([COIN]))
    assert prices.at(COIN, T + 59) is None
    found = prices.at(COIN, T + 60)
    assert found == (E18 * 3 // 2, "candle", E18 * 8 // 10)
    assert prices.at(COIN, T + 60 + 3_600) == found
    assert prices.at(COIN, T + 60 + 3_601) is None


def test_a_sol_is_worth_what_was_known_when_its_minute_began(world: World) -> None:
    rates = sol_rates(world.source, [T, T + 61, T + 86_400 * 3])
    price = (150 * E18 + E18 // 4, "klines", E18 * 9 // 10)
    assert rates.at(T) == rates.at(T + 59) == rates.at(T + 60) == price
    assert rates.at(T + 86_400 * 3) is None
    assert rates.at(T + 120) is None, "nobody asked for this minute"
    assert sol_rates(world.source, []).at(T) is None


def test_a_minute_that_its_source_knows_nothing_of_has_no_price(world: World) -> None:
    frame = world.store.read("reference_prices", DAY)
    assert frame is not None
    minute = datetime.fromtimestamp(T, UTC)
    world.store.write("reference_prices", DAY, frame.filter(pl.col("minute_start") != minute))
    assert sol_rates(world.source, [T, T + 60]).at(T) is None
    assert sol_rates(world.source, [T, T + 60]).at(T + 60) is not None


def test_files_replaced_while_they_are_read_are_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    right = reading.pl.scan_parquet
    replaced = []

    def scan(*arguments: Any, **options: Any) -> pl.LazyFrame:
        if not replaced:
            replaced.append(True)
            world.put_candles(candle(0, "7"))
        return right(*arguments, **options)

    monkeypatch.setattr(reading.pl, "scan_parquet", scan)
    found = world.source.candles([COIN], DAY, DAY)
    assert found["vwap_usd"].to_list() == [Decimal(7)]
    assert replaced


def test_files_replaced_again_and_again_end_in_one_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    right = reading.pl.scan_parquet

    def scan(*arguments: Any, **options: Any) -> pl.LazyFrame:
        world.put_candles(candle(0, "7"))
        return right(*arguments, **options)

    monkeypatch.setattr(reading.pl, "scan_parquet", scan)
    with pytest.raises(ReplacedMeanwhileError, match=r"^price_1m: files were replaced"):
        world.source.candles([COIN], DAY, DAY)
