"""Analyse one owner, of one wallet or several, when somebody asks: from the stored events of the wallets to moments.

Nothing is written. Buckets hold single wallets, so an owner set is folded here anew: transfers between its wallets move lots
with their entry instead of leaving and coming. What is stored of before `since` still counts for what things cost; only what
happened from then on is told.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

import msgspec
import polars as pl

from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.detectors.extremes import WalletExtremes, extremes_of
from oof_pipelines.detectors.moment import Moment
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.chain_order import in_chain_order
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.results import Episode, InPool, Lot, MovedOut, RealizedTrade
from oof_pipelines.positions.valued import ValuedEvent
from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.position_event_rows import position_events_in
from oof_pipelines.workflows.candle_ceiling import mints_beyond, mints_by_newest
from oof_pipelines.workflows.minute_candles import CandleCounts, CandleSource
from oof_pipelines.workflows.value_events import value_events
from oof_pipelines.workflows.wallet_moments import Market, MomentRules, mints_looked_at, moments_of
from oof_pipelines.workflows.wallet_summary import WalletSummary, summarize


class EventFiles(Protocol):
    """Where buckets of wallet_events are read."""

    def batches(
        self, dataset: str, partition: int, *, columns: list[str] | None = None, where: pl.Expr | None = None
    ) -> Iterator[pl.DataFrame]: ...


class WalletAnalysis(msgspec.Struct, frozen=True):
    """One owner as of `as_of`. `events` counts all that is stored of the wallets up to then.

    `episodes`, `realized`, `moved` and `moments` are those from `since` on (None: all), `lots` those of which something is
    left, `in_pools` what of them is in pools. Everything is in the order of the chain or by mint, and the same for the same
    store. `mints` are the coins it deals with, the one last dealt with first. `candle_reads` counts the candles that were
    read, `mints_left_out` names the coins that have candles which were not, since a ceiling was reached: they stand here
    without prices.
    """

    wallets: tuple[str, ...]
    as_of: datetime
    since: datetime | None
    events: int
    summary: WalletSummary
    episodes: list[Episode]
    realized: list[RealizedTrade]
    lots: list[Lot]
    in_pools: list[InPool]
    moved: list[MovedOut]
    moments: list[Moment]
    extremes: WalletExtremes
    mints: tuple[str, ...] = ()
    candle_reads: int = 0
    mints_left_out: tuple[str, ...] = ()


class StoryCandles(CandleSource, CandleCounts, Protocol):
    """Candles that can be read and counted."""


def analyze_wallets(
    files: EventFiles,
    source: StoryCandles,
    market: Market,
    rules: MomentRules,
    wallets: Sequence[str],
    as_of: datetime,
    *,
    since: datetime | None = None,
    most_candle_reads: int | None = None,
    at_step: Callable[[str], None] = lambda _step: None,
) -> WalletAnalysis:
    """Analyse the owner of `wallets` at `as_of`. `market` is of the days up to it.

    With `most_candle_reads` no more candles are read, and the coins that are left out by that are named.

    `at_step` is told each step's name before it is made: read, value, fold, detect, summarize.
    """
    as_of_s = int(as_of.timestamp())
    since_s = None if since is None else int(since.timestamp())
    rules = msgspec.structs.replace(
        rules, positions=msgspec.structs.replace(rules.positions, owner_set=frozenset(wallets))
    )
    at_step("read")
    events = stored_events(files, wallets, as_of)
    mints = mints_by_newest(events)
    left_out = _leave_out(source, market, mints, most_candle_reads)
    at_step("value")
    valued = value_events(source, market.candles, events)
    at_step("fold")
    book = Book(rules.positions)
    realized = [row for one in valued for row in book.step(one)]
    lots, episodes = book.lots(), book.episodes()
    at_step("detect")
    [found] = moments_of([(valued, realized)], market, rules, as_of_s)
    moments = [moment for moment in found if since_s is None or moment.t_event_s >= since_s]
    told = [row for row in realized if since_s is None or row.sold_at_s >= since_s]
    told_episodes = sorted((one for one in episodes if _is_told(one, since_s)), key=_by_start)
    at_step("summarize")
    windows = market.candles.windows(mints_looked_at(valued))
    summary = summarize(_since(valued, since_s), lots, told, told_episodes, moments, windows, as_of_s)
    return WalletAnalysis(
        wallets=tuple(wallets),
        as_of=as_of.astimezone(UTC),
        since=since,
        events=len(events),
        summary=summary,
        episodes=told_episodes,
        realized=told,
        lots=[lot for lot in lots if lot.qty_remaining_raw or lot.qty_in_pool_raw],
        in_pools=book.in_pools(),
        moved=[one for one in book.moved() if since_s is None or one.moved_at_s >= since_s],
        moments=moments,
        extremes=extremes_of(told, moments),
        mints=tuple(mints),
        candle_reads=market.candles.read_count,
        mints_left_out=left_out,
    )


def _leave_out(source: StoryCandles, market: Market, mints: Sequence[str], most_reads: int | None) -> tuple[str, ...]:
    """Have the coins left out whose candles the ceiling leaves no room for; which those are."""
    if most_reads is None:
        return ()
    beyond = mints_beyond(mints, source.candle_counts(mints, *market.candles.days), most_reads)
    market.candles.leave_out(beyond)
    return tuple(beyond)


def stored_events(files: EventFiles, wallets: Collection[str], as_of: datetime) -> list[PositionEvent]:
    """What is stored of these wallets up to `as_of`, in the order of the chain."""
    by_bucket: dict[int, list[str]] = {}
    for wallet in wallets:
        by_bucket.setdefault(wallet_bucket(wallet), []).append(wallet)
    events: list[PositionEvent] = []
    for bucket, its_wallets in sorted(by_bucket.items()):
        where = pl.col("wallet").is_in(its_wallets) & (pl.col("block_time") <= as_of)
        for rows in files.batches(WALLET_EVENTS.name, bucket, columns=list(WALLET_EVENTS.columns), where=where):
            events += position_events_in(rows)
    return in_chain_order(events, lambda event: event)


def _is_told(episode: Episode, since_s: int | None) -> bool:
    return since_s is None or episode.end_at_s is None or episode.end_at_s >= since_s


def _by_start(episode: Episode) -> tuple[int, str, int, str]:
    return episode.start_at_s, episode.mint, episode.number, episode.episode_id


def _since(valued: list[ValuedEvent], since_s: int | None) -> list[ValuedEvent]:
    return [one for one in valued if since_s is None or one.event.block_time_s >= since_s]
