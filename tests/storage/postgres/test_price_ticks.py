"""Stored ticks as reference prices: none counts before it was received, in the feed and in a file made later alike."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.pricing.reference import ReferencePrice, ReferencePrices
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.price_ticks import PostgresTicks

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
NOON_S = int(NOON.timestamp())
Receive = Callable[..., list[ReferencePrice]]


@pytest.fixture
def receive(database_url: str) -> Receive:
    """Stores ticks (published, received: seconds after noon; price) and tells the prices of the hour around noon."""
    migrate(database_url, load_settings({}).migrations_folder)

    def store(*ticks: tuple[float, float, int]) -> list[ReferencePrice]:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=10) as connection:
            for published_s, received_s, price in ticks:
                connection.execute(
                    "insert into price_ticks (source, mint, published_at, price_usd, received_at) "
                    "values ('pyth', %s, %s, %s, %s)",
                    (NATIVE_MINT, NOON + timedelta(seconds=published_s), price, NOON + timedelta(seconds=received_s)),
                )
        return PostgresTicks(database_url, "pyth").prices(NOON_S - 1_800, NOON_S + 1_800)

    return store


def at(prices: list[ReferencePrice], second: int) -> Decimal | None:
    known = ReferencePrices(prices).at(NOON_S + second)
    return None if known is None else known.price_usd


def test_a_tick_counts_from_when_it_was_received(receive: Receive) -> None:
    as_the_feed_saw_it = receive((-62, -20, 150))
    later = receive((-2, 40, 200))
    assert at(as_the_feed_saw_it, 0) == at(later, 0) == 150
    assert [at(later, second) for second in (39, 40)] == [150, 200]
    assert [(price.at_s - NOON_S, price.available_at_s - NOON_S) for price in later] == [(-62, -20), (-2, 40)]


@pytest.mark.parametrize(
    ("published_s", "received_s", "known_s"),
    [(0, 0, 0), (0, 0.000001, 1), (0.25, 0.75, 1), (0.25, 1, 1), (5, 3, 5), (5.5, 3, 6)],
)
def test_it_is_known_at_the_first_whole_second_after_both(
    receive: Receive, published_s: float, received_s: float, known_s: int
) -> None:
    [price] = receive((published_s, received_s, 150))
    assert price.available_at_s - NOON_S == known_s


def test_of_ticks_of_one_second_the_last_published_counts_once_it_is_known(receive: Receive) -> None:
    prices = receive((0.2, 0.9, 100), (0.5, 30, 101), (0.8, 20, 102))
    assert [at(prices, second) for second in (0, 1, 19, 20, 30, 31)] == [None, 100, 100, 102, 102, 102]
