"""The feed's features where something fails: the feed stores on, and what is touched again is right again."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from memory_chain import HandClock

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.features.bucket import key_of
from oof_pipelines.features.rows import BucketKey, FeatureRow
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.market.events import EventPlace, Trade
from oof_pipelines.pricing.reference import ReferencePrice
from oof_pipelines.workflows import feature_stream
from oof_pipelines.workflows.feature_stream import FeatureStream
from oof_pipelines.workflows.finalise import Finality

START_S = 1_767_571_200


def trade(signature: str, at_s: int = START_S) -> Trade:
    place = EventPlace(signature, at_s, 0, at_s, 1, 0)
    return Trade(place, "", "venue", "", "coin", NATIVE_MINT, True, 10**9, 10**9, 6, 9, signature, signature)


def stored(signature: str) -> StoredTransaction:
    at = datetime.fromtimestamp(START_S, UTC)
    return StoredTransaction(signature, 1, 0, at, False, "0", False, 5_000, "payer", (), "", False, None, b"")


class Hot:
    """Trades that were stored, by signature, and the rows served. Fails where it is told to."""

    def __init__(self) -> None:
        self.trades: dict[str, Trade] = {}
        self.rows: dict[BucketKey, FeatureRow] = {}
        self.is_failing = False

    async def trades_of(self, keys: Collection[BucketKey]) -> list[Trade]:
        return [one for one in self.trades.values() if key_of(one) in keys]

    async def keys_of(self, signature: str) -> list[BucketKey]:
        return [key_of(self.trades[signature])] if signature in self.trades else []

    async def unsettled(self, limit: int) -> list[BucketKey]:
        return list(self.rows)[:limit]

    async def replace(self, rows: Sequence[FeatureRow], gone: Collection[BucketKey]) -> None:
        if self.is_failing:
            raise RuntimeError("no room")
        self.rows |= {row.key: row for row in rows}
        for key in gone:
            self.rows.pop(key, None)


class NoFiles:
    def of_buckets(self, keys: Collection[BucketKey]) -> list[Trade]:
        return []


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, begun_at_s: int = 0, reference: Any = None) -> None:
        self.hot = Hot()
        self.stream = FeatureStream(self.hot, NoFiles(), reference, begun_at_s=begun_at_s)
        monkeypatch.setattr(feature_stream, "_trades_of", lambda row: [self.hot.trades[row.signature]])

    async def store(self, *trades: Trade) -> None:
        self.hot.trades |= {one.place.signature: one for one in trades}
        await self.stream.stored([stored(one.place.signature) for one in trades])

    @property
    def counted(self) -> list[int]:
        return [row.trades for row in self.hot.rows.values()]


def test_a_failure_is_counted_and_the_next_trade_makes_it_good(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world = World(monkeypatch)
        await world.store(trade("a"))
        world.hot.is_failing = True
        await world.store(trade("b"))
        assert (world.counted, world.stream.counts.failures) == ([1], 1)
        world.hot.is_failing = False
        await world.store(trade("c"))
        assert world.counted == [3], "memory was let go of, and what is stored counts"
        assert world.stream.counts.rebuilt_buckets == 1

    asyncio.run(scenario())


def test_finality_has_the_buckets_corrected_around_what_it_takes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world = World(monkeypatch)
        await world.store(trade("a"), trade("b"))

        class Inbox:
            async def retract(self, signature: str, detail: str) -> None:
                del world.hot.trades[signature]

        finality = Finality(None, Inbox(), HandClock(), world.stream)  # type: ignore[arg-type]
        row: Any = type("Row", (), {"signature": "a", "slot": 1})()
        await finality._retract(row, "gone")
        assert world.counted == [1]
        row.signature = "b"
        await finality._retract(row, "gone")
        assert world.counted == []

    asyncio.run(scenario())


def test_a_failed_retraction_leaves_features_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world = World(monkeypatch)
        await world.store(trade("a"))
        with pytest.raises(ConnectionError):
            async with world.stream.taking_back("a"):
                raise ConnectionError
        assert world.counted == [1]
        await world.store(trade("b"))
        assert world.counted == [2]

    asyncio.run(scenario())


def test_a_price_source_that_fails_leaves_rows_without_dollars(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        name = "pyth"

        def prices(self, first_s: int, last_s: int) -> list[ReferencePrice]:
            raise OSError("gone")

    async def scenario() -> None:
        world = World(monkeypatch, reference=Failing())
        await world.store(trade("a"))
        [row] = world.hot.rows.values()
        assert (row.trades, row.volume_usd, world.stream.counts.failures) == (1, None, 0)

    asyncio.run(scenario())


def test_a_bucket_that_began_before_the_process_is_made_of_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world = World(monkeypatch, begun_at_s=START_S + 10)
        world.hot.trades["before"] = trade("before")
        await world.store(trade("a"))
        assert (world.counted, world.stream.counts.rebuilt_buckets) == ([2], 1)
        await world.store(trade("b"))
        assert (world.counted, world.stream.counts.rebuilt_buckets) == ([3], 1), "and is in memory from then on"

    asyncio.run(scenario())
