"""The feed's features where something fails: the feed stores on, and what is touched again is right again."""

import asyncio
from collections import Counter
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
    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *,
        begun_at_s: int = 0,
        reference: Any = None,
        most_open_trades: int = 100,
    ) -> None:
        self.hot = Hot()
        self.is_decoding = True
        self.stream = FeatureStream(
            self.hot, NoFiles(), reference, begun_at_s=begun_at_s, most_open_trades=most_open_trades
        )
        monkeypatch.setattr(feature_stream, "_trades_of", self._trades_of)

    def _trades_of(self, row: StoredTransaction) -> list[Trade]:
        if not self.is_decoding:
            raise ValueError("an event that is none")
        return [self.hot.trades[row.signature]]

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


def test_a_transaction_that_cannot_be_read_is_a_failure_here_and_not_the_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        world = World(monkeypatch)
        world.is_decoding = False
        await world.store(trade("a"))
        assert (world.counted, world.stream.counts.failures) == ([], 1)
        world.is_decoding = True
        await world.store(trade("b", START_S + 30))
        assert world.counted == [2], "what was stored and not folded is read again"

    asyncio.run(scenario())


def test_above_the_ceiling_memory_is_bounded_and_every_row_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    minutes = [0, 1, 2, 3, 0, 1, 2, 3, 3, 2, 1, 0, 4, 4, 0]
    arriving = [trade(str(number), START_S + 60 * minute) for number, minute in enumerate(minutes)]

    async def scenario() -> None:
        world = World(monkeypatch, most_open_trades=5)
        for first in range(0, len(arriving), 2):
            await world.store(*arriving[first : first + 2])
            assert world.stream._state.open_trades <= 5
        told = {(key[1] - START_S) // 60: row.trades for key, row in world.hot.rows.items()}
        assert told == Counter(minutes)
        assert world.stream.counts.late_trades > 0
        world.hot.rows = dict(sorted(world.hot.rows.items(), key=lambda item: -item[0][1]))
        assert await world.stream.start() == 5
        assert world.stream._state.open_trades <= 5
        world.hot.is_failing = True
        await world.store(trade("x", START_S + 300))
        assert world.stream.counts.failures == 1
        assert world.stream._state.most_open_trades == 5, "also after a failure"

    asyncio.run(scenario())


@pytest.mark.parametrize(("is_failing", "rebuilt"), [(True, 1), (False, 0)])
def test_after_a_start_that_failed_nothing_stored_ahead_of_our_clock_is_missed(
    monkeypatch: pytest.MonkeyPatch, is_failing: bool, rebuilt: int
) -> None:
    async def scenario() -> None:
        world = World(monkeypatch, begun_at_s=START_S - 90)
        earlier = trade("by an earlier process")
        world.hot.trades["by an earlier process"] = earlier
        known = [key_of(earlier)]

        async def unsettled(_limit: int) -> list[BucketKey]:
            return known

        monkeypatch.setattr(world.hot, "unsettled", unsettled)
        world.hot.is_failing = is_failing
        await world.stream.start()
        world.hot.is_failing = False
        begun = world.stream.counts.rebuilt_buckets
        await world.store(trade("a"))
        assert world.counted == [2]
        assert world.stream.counts.rebuilt_buckets - begun == rebuilt

    asyncio.run(scenario())
