"""Reference prices out of klines and ticks."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from trade_rows import MIDNIGHT_S

from oof_pipelines.pricing.reference import ReferencePrice, ReferencePrices
from oof_pipelines.pricing.sol_usd import ClosedKline, Tick, minute_prices, prices_of_klines, prices_of_ticks


def test_a_kline_is_a_price_when_it_closes_and_shorter_ones_are_believed_more() -> None:
    klines = [
        ClosedKline(900, 900, Decimal(3)),
        ClosedKline(900, 300, Decimal(2)),
        ClosedKline(7_200, 3_600, Decimal(1)),
    ]

    assert prices_of_klines(klines) == [
        ReferencePrice(900, Decimal(2), "klines", Decimal("0.9"), 900),
        ReferencePrice(7_200, Decimal(1), "klines", Decimal("0.6"), 7_200),
    ]


@pytest.mark.parametrize(("length_s", "share"), [(60, "0.95"), (61, "0.9"), (300, "0.9"), (900, "0.8"), (901, "0.6")])
def test_confidence_of_klines(length_s: int, share: str) -> None:
    [price] = prices_of_klines([ClosedKline(900, length_s, Decimal(3))])
    assert price.confidence == Decimal(share)


@pytest.mark.parametrize(
    ("interval", "share"),
    [("0", "1"), ("0.15", "0.98"), ("0.1501", "0.979"), ("7.5", "0"), ("9999", "0"), (None, "0.8")],
)
def test_confidence_of_ticks(interval: str | None, share: str) -> None:
    tick = Tick(datetime(2026, 1, 5, tzinfo=UTC), Decimal(150), Decimal(interval) if interval is not None else None)
    assert prices_of_ticks([tick], "pyth")[0].confidence == Decimal(share)


def test_of_a_second_the_last_tick_counts_and_is_known_when_it_ends() -> None:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    instants = [timedelta(0), timedelta(microseconds=1), timedelta(milliseconds=900), timedelta(milliseconds=1_001)]
    ticks = [Tick(start + late, Decimal(100 + place), None) for place, late in enumerate(instants)]

    made = prices_of_ticks(ticks[::-1], "jupiter")
    assert [(price.at_s - MIDNIGHT_S, price.price_usd, price.available_at_s - MIDNIGHT_S) for price in made] == [
        (0, 100, 0),
        (1, 102, 1),
        (2, 103, 2),
    ]


def test_each_minute_of_a_day_has_the_price_known_at_its_start() -> None:
    price = ReferencePrice(MIDNIGHT_S - 30, Decimal(150), "klines", Decimal("0.9"), MIDNIGHT_S - 30)

    made = minute_prices(ReferencePrices([price]), MIDNIGHT_S)
    assert [second - MIDNIGHT_S for second, _ in made] == list(range(0, 900, 60))
