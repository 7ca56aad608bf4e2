"""features_1m as a fold over the market's stream: `step(state, event) -> (state, outputs)`.

Plain Python without Polars, DuckDB or Dagster, since the streaming side runs it. Events may come in any order, and twice:
a bucket keeps its trades until the newest block time has passed its end by `lateness_seconds`; then it is closed and let
go. A trade that comes after that is told as `TradeTooLate`, never swallowed: whoever keeps the trades makes its row anew.
Where a state has a ceiling of open trades, the oldest minutes are closed before their time.
"""

import msgspec

from oof_pipelines.features.bucket import Bucket, is_counted, trade_id
from oof_pipelines.features.rows import BUCKET_SECONDS, BucketKey
from oof_pipelines.market.events import MarketEvent, Trade

LATENESS_SECONDS = 900
"""How long a bucket stays open behind the newest block time: repairs of a dropped socket come minutes late."""

MOST_OPEN_TRADES = 200_000
"""The ceiling for a process that stays: at some 1.2 kB a trade, a quarter of a gigabyte."""


class BucketChanged(msgspec.Struct, frozen=True):
    """A trade came into the bucket, or went out of it; its row is another now (`bucket.row_of_bucket`)."""

    bucket: Bucket


class BucketEmptied(msgspec.Struct, frozen=True):
    """The bucket's last trade was taken back: it has no row any more."""

    key: BucketKey


class BucketClosed(msgspec.Struct, frozen=True):
    """The bucket is let go of; nothing changes it any more."""

    bucket: Bucket


class TradeTooLate(msgspec.Struct, frozen=True):
    """The trade's bucket was let go of before it came."""

    trade: Trade


FeatureOutput = BucketChanged | BucketEmptied | BucketClosed | TradeTooLate


class FeatureState:
    """Open buckets by the second their minute begins, then by (mint, venue, quote_mint). Belongs to whoever folds.

    `step` and `forget` change it in place and hand it back: copying it for every event would cost more than the fold.

    Where open buckets hold more than `most_open_trades`, the oldest minutes are closed until they do not, or the newest
    minute is left alone: that one is never given up. None, for whoever folds what is of one day, is no ceiling.
    Nothing is open that begins before `open_from_s`. Raises ValueError where a limit makes no sense.
    """

    __slots__ = ("lateness_seconds", "minutes", "most_open_trades", "newest_s", "open_from_s", "open_trades")

    def __init__(self, lateness_seconds: int = LATENESS_SECONDS, most_open_trades: int | None = None) -> None:
        if lateness_seconds < 0:
            raise ValueError(f"lateness_seconds: {lateness_seconds} is below 0")
        if most_open_trades is not None and most_open_trades < 1:
            raise ValueError(f"most_open_trades: {most_open_trades} is below 1")
        self.lateness_seconds = lateness_seconds
        self.most_open_trades = most_open_trades
        self.open_trades = 0
        self.minutes: dict[int, dict[tuple[str, str, str], Bucket]] = {}
        self.newest_s = -1
        self.open_from_s = 0

    def bucket(self, key: BucketKey) -> Bucket | None:
        """The open bucket of that key."""
        mint, bucket_start_s, venue, quote_mint = key
        return self.minutes.get(bucket_start_s, {}).get((mint, venue, quote_mint))


def step(state: FeatureState, event: MarketEvent) -> tuple[FeatureState, tuple[FeatureOutput, ...]]:
    """Take one event in. Only trades count; one that is known already changes nothing."""
    if type(event) is not Trade or not is_counted(event):
        return state, ()
    at_s = event.place.block_time_s
    start_s = at_s - at_s % BUCKET_SECONDS
    if start_s < state.open_from_s:
        return state, (TradeTooLate(event),)
    outputs: tuple[FeatureOutput, ...] = ()
    buckets = state.minutes.get(start_s)
    if buckets is None:
        buckets = state.minutes[start_s] = {}
    within = (event.mint, event.venue, event.quote_mint)
    bucket = buckets.get(within)
    if bucket is None:
        bucket = buckets[within] = Bucket((event.mint, start_s, event.venue, event.quote_mint))
    identity = trade_id(event)
    known = bucket.trades.get(identity)
    if known != event:
        bucket.trades[identity] = event
        state.open_trades += known is None
        outputs = (BucketChanged(bucket),)
    if at_s > state.newest_s:
        state.newest_s = at_s
        if at_s - state.lateness_seconds >= state.open_from_s + BUCKET_SECONDS:
            outputs += _close(state)
    if state.most_open_trades is not None and state.open_trades > state.most_open_trades:
        outputs += _close_oldest(state, state.most_open_trades)
    return state, outputs


def forget(state: FeatureState, signature: str) -> tuple[FeatureState, tuple[FeatureOutput, ...]]:
    """Take back every trade of a transaction that left the chain, as far as its buckets are open."""
    outputs: list[FeatureOutput] = []
    for buckets in state.minutes.values():
        for within, bucket in list(buckets.items()):
            gone = [identity for identity in bucket.trades if identity[0] == signature]
            for identity in gone:
                del bucket.trades[identity]
            state.open_trades -= len(gone)
            if gone and bucket.trades:
                outputs.append(BucketChanged(bucket))
            elif gone:
                del buckets[within]
                outputs.append(BucketEmptied(bucket.key))
    return state, tuple(outputs)


def finish(state: FeatureState) -> tuple[FeatureState, tuple[FeatureOutput, ...]]:
    """Close what is still open: the stream has ended."""
    closed = tuple(_closed(state, sorted(state.minutes)))
    return state, closed


def _close(state: FeatureState) -> tuple[FeatureOutput, ...]:
    """Let go of every minute that ended `lateness_seconds` before the newest trade."""
    passed_s = state.newest_s - state.lateness_seconds
    state.open_from_s = max(0, passed_s - passed_s % BUCKET_SECONDS)
    return tuple(_closed(state, sorted(start_s for start_s in state.minutes if start_s < state.open_from_s)))


def _close_oldest(state: FeatureState, most_trades: int) -> tuple[FeatureOutput, ...]:
    """Let go of the oldest minutes, but for the newest, until no more than `most_trades` are open."""
    outputs: list[FeatureOutput] = []
    while state.open_trades > most_trades and len(state.minutes) > 1:
        oldest_s = min(state.minutes)
        state.open_from_s = oldest_s + BUCKET_SECONDS
        outputs += _closed(state, [oldest_s])
    return tuple(outputs)


def _closed(state: FeatureState, starts_s: list[int]) -> list[FeatureOutput]:
    buckets = [bucket for start_s in starts_s for bucket in state.minutes.pop(start_s).values()]
    state.open_trades -= sum(len(bucket.trades) for bucket in buckets)
    return [BucketClosed(bucket) for bucket in buckets]
