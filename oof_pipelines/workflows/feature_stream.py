"""features_1m as the feed hears it: what is stored is folded with `step` at once, and the rows it touches are served.

The fold's state is a cache of stored trades, never the only place of anything. A bucket is made anew from what is stored
(trades that wait, and the day's file) where memory cannot be whole: it began before this process did, it was let go of, or
the process died between storing and serving. So a restart, a late repair, a fold that takes half of a bucket's trades and a
transaction taken back all end in the row that the day's file will have.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from oof_pipelines.features.bucket import Bucket, key_of, row_of_bucket, trade_id
from oof_pipelines.features.rows import BucketKey, FeatureRow
from oof_pipelines.features.step import (
    LATENESS_SECONDS,
    MOST_OPEN_TRADES,
    BucketChanged,
    BucketEmptied,
    FeatureOutput,
    FeatureState,
    forget,
    step,
)
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.market.events import Trade
from oof_pipelines.market.from_decoded import market_events_of
from oof_pipelines.pricing.reference import MAX_AGE_S, ReferencePrices
from oof_pipelines.workflows.reference_prices import ReferenceSource

logger = logging.getLogger(__name__)

MOST_UNSETTLED = 10_000
"""Buckets made anew at the start, the newest first; older ones are corrected by the fold of their day."""

_BUCKETS_AT_ONCE = 500
# Block times may be ahead of our clock: what began so soon after us may have had trades stored before us. A start that saw
# everything unsettled has those in memory.
_CLOCK_SKEW_SECONDS = 300


class FoldedTrades(Protocol):
    """Trades in files."""

    def of_buckets(self, keys: Collection[BucketKey]) -> list[Trade]: ...


class HotFeatures(Protocol):
    """Trades that wait for their file, and the served rows of their buckets."""

    async def trades_of(self, keys: Collection[BucketKey]) -> list[Trade]: ...

    async def keys_of(self, signature: str) -> list[BucketKey]: ...

    async def unsettled(self, limit: int) -> list[BucketKey]: ...

    async def replace(self, rows: Sequence[FeatureRow], gone: Collection[BucketKey]) -> None: ...


@dataclass(slots=True)
class FeatureCounts:
    """What a stream has done since it started.

    `late_trades` came after their bucket was let go of, and were made good from what is stored; `rebuilt_buckets` were
    made anew from there, for whatever reason.
    """

    trades: int = 0
    late_trades: int = 0
    served_rows: int = 0
    rebuilt_buckets: int = 0
    failures: int = 0


class FeatureStream:
    """A `StoreListener` that keeps features_1m as fresh as the feed. `begun_at_s` is when this process began to store.

    `counts` may be read at any time.
    """

    def __init__(
        self,
        hot: HotFeatures,
        folded: FoldedTrades,
        reference: ReferenceSource | None,
        *,
        begun_at_s: int,
        lateness_seconds: int = LATENESS_SECONDS,
        most_open_trades: int = MOST_OPEN_TRADES,
    ) -> None:
        self._hot = hot
        self._folded = folded
        self._reference = reference
        self._begun_at_s = begun_at_s
        self._state = FeatureState(lateness_seconds, most_open_trades)
        self._turn = asyncio.Lock()
        self.counts = FeatureCounts()

    async def start(self) -> int:
        """Make the rows of everything unsettled anew; how many buckets that were."""
        keys: list[BucketKey] = []
        async with self._turn, self._own_failures(self._begun_at_s + _CLOCK_SKEW_SECONDS):
            keys = await self._hot.unsettled(MOST_UNSETTLED)
            for batch in _batches(keys, _BUCKETS_AT_ONCE):
                await self._make_anew(batch)
        return len(keys)

    async def stored(self, transactions: Sequence[StoredTransaction]) -> None:
        """Fold the trades of what was stored, and serve the buckets they change."""
        newest_s = max((int(one.block_time.timestamp()) for one in transactions), default=0)
        async with self._turn, self._own_failures(newest_s):
            trades = [trade for transaction in transactions for trade in _trades_of(transaction)]
            self.counts.trades += len(trades)
            changed: dict[BucketKey, Bucket] = {}
            unknown: set[BucketKey] = set()
            for trade in trades:
                key = key_of(trade)
                self.counts.late_trades += key[1] < self._state.open_from_s
                if key in unknown or not self._is_whole(key):
                    unknown.add(key)
                    continue
                self._state, outputs = step(self._state, trade)
                changed |= _changed(outputs)
            await self._serve(changed.values(), ())
            for batch in _batches(sorted(unknown), _BUCKETS_AT_ONCE):
                await self._make_anew(batch)

    @asynccontextmanager
    async def taking_back(self, signature: str) -> AsyncIterator[None]:
        """Correct the buckets of a transaction whose rows are taken away within the block."""
        async with self._turn:
            keys: set[BucketKey] = set()
            async with self._own_failures():
                keys |= set(await self._hot.keys_of(signature))
            yield
            async with self._own_failures():
                await self._forget(signature, keys)

    async def _forget(self, signature: str, keys: Collection[BucketKey]) -> None:
        """`keys` are the buckets that stored trades of the transaction were in."""
        self._state, outputs = forget(self._state, signature)
        changed = _changed(outputs)
        gone = {output.key for output in outputs if isinstance(output, BucketEmptied)}
        await self._serve(changed.values(), gone)
        others = set(keys) - changed.keys() - gone
        if others:
            await self._make_anew(sorted(others))

    @asynccontextmanager
    async def _own_failures(self, seen_until_s: int = 0) -> AsyncIterator[None]:
        """What fails here must not keep the feed from storing: it is told and counted, and memory counts for nothing more.

        Trades up to `seen_until_s` may then be stored without having been folded, whatever the newest one folded.
        Buckets that are touched again are made from what is stored; the others are corrected by the fold of their day.
        """
        try:
            yield
        except Exception:
            logger.exception("features not served")
            self.counts.failures += 1
            self._begun_at_s = max(self._begun_at_s, self._state.newest_s, seen_until_s)
            self._state = FeatureState(self._state.lateness_seconds, self._state.most_open_trades)

    def _is_whole(self, key: BucketKey) -> bool:
        """Whether all stored trades of the bucket are in memory, or it has none yet."""
        return self._state.bucket(key) is not None or (key[1] > self._begun_at_s and key[1] >= self._state.open_from_s)

    async def _make_anew(self, keys: Sequence[BucketKey]) -> None:
        """Serve these buckets as what is stored says. Those that are still open are in memory from then on."""
        # What waits first, the files after: a trade that is folded in between is then seen twice, not never.
        trades = await self._hot.trades_of(keys)
        trades += await asyncio.to_thread(self._folded.of_buckets, keys)
        # By themselves: none of them may close another.
        alone = FeatureState(lateness_seconds=2**62)
        for trade in {trade_id(trade): trade for trade in reversed(trades)}.values():
            alone, _ = step(alone, trade)
        found = {key: bucket for key in keys if (bucket := alone.bucket(key)) is not None}
        self.counts.rebuilt_buckets += len(keys)
        await self._serve(found.values(), [key for key in keys if key not in found])
        for bucket in found.values():
            for trade in bucket.trades.values():
                if bucket.key[1] >= self._state.open_from_s:
                    self._state, _ = step(self._state, trade)

    async def _serve(self, buckets: Iterable[Bucket], gone: Collection[BucketKey]) -> None:
        listed = list(buckets)
        rates = await self._rates({bucket.key[1] for bucket in listed})
        rows = [row_of_bucket(bucket, rates.at(bucket.key[1])) for bucket in listed]
        await self._hot.replace(rows, gone)
        self.counts.served_rows += len(rows)

    async def _rates(self, starts_s: Collection[int]) -> ReferencePrices:
        """What is known of SOL at these seconds. A source that fails is a missing price, not a missing row."""
        if self._reference is None or not starts_s:
            return ReferencePrices(())
        try:
            prices = await asyncio.to_thread(self._reference.prices, min(starts_s) - MAX_AGE_S, max(starts_s))
        except Exception as error:
            logger.warning("no SOL price for features", extra={"source": self._reference.name, "reason": str(error)})
            return ReferencePrices(())
        return ReferencePrices(prices)


def _trades_of(transaction: StoredTransaction) -> list[Trade]:
    if transaction.decoded is None:
        return []
    block_time_s = int(transaction.block_time.timestamp())
    events = market_events_of(
        transaction.signature, transaction.slot, transaction.tx_index, block_time_s, transaction.decoded
    )
    return [event for event in events if isinstance(event, Trade)]


def _changed(outputs: Iterable[FeatureOutput]) -> dict[BucketKey, Bucket]:
    return {output.bucket.key: output.bucket for output in outputs if isinstance(output, BucketChanged)}


def _batches(keys: Sequence[BucketKey], size: int) -> Iterable[list[BucketKey]]:
    remaining = iter(keys)
    while batch := list(islice(remaining, size)):
        yield batch
