"""Make touched wallets again, within seconds of what touched them: from their events in files and those that wait, to their
served lots, trades, episodes, moments and extremes.

It is what the buckets' workflows do, wallet by wallet, with the same functions; nothing is written to files, and the checks
are left to those. Reading goes from what moves to where it moves: notes of the buckets, events that wait, files. So an event
that goes into a file meanwhile is read twice and counted once, never missed; and rows are served only where the bucket was
not served from files since its note was read.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import polars as pl

from oof_pipelines.detectors.extremes import extremes_of
from oof_pipelines.detectors.moment import Moment
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.results import Episode, Lot, RealizedTrade
from oof_pipelines.positions.valued import ValuedEvent
from oof_pipelines.refresh_interfaces import Asked, RefreshedWallet, TakenWallet, TouchedWallets, WalletFiles
from oof_pipelines.storage.parquet.position_rows import frame_of
from oof_pipelines.storage.parquet.position_schemas import (
    EPISODES,
    LOTS,
    OOF_MOMENTS,
    REALIZED_TRADES,
    WALLET_EXTREMES,
)
from oof_pipelines.workflows.extreme_rows import ExtremeRow, extreme_rows
from oof_pipelines.workflows.minute_candles import CandleSource
from oof_pipelines.workflows.value_events import value_events
from oof_pipelines.workflows.wallet_moments import Market, MomentRules, moments_of

logger = logging.getLogger(__name__)

TOUCHES_AT_ONCE = 200
EVENTS_AT_ONCE = 20_000
"""Wallets are made together until they have so many events: memory holds their candles."""


class FreshMarket(Protocol):
    """Prices, pools and quotes as of now."""

    def at(self, as_of: datetime) -> tuple[CandleSource, Market]:
        """Those of one turn: what is asked for twice is the same."""
        ...


@dataclass(frozen=True, slots=True)
class RefreshTurn:
    """What one turn did. `left` counts wallets that stay due, since their bucket was served from files meanwhile."""

    taken: int
    served: tuple[str, ...] = ()
    failed: int = 0
    left: int = 0
    oldest_touched_at: datetime | None = None


def refresh_turn(
    touched: TouchedWallets,
    files: WalletFiles,
    market: FreshMarket,
    rules: MomentRules,
    now: Callable[[], datetime],
    *,
    limit: int = TOUCHES_AT_ONCE,
    at_step: Callable[[str], None] = lambda _step: None,
) -> RefreshTurn:
    """Take what is due and make it again. `at_step` is told each step's name before it is made.

    A wallet that cannot be made is put off and named in the log; the others are made. Raises what the stores raise.
    """
    began_at = now()
    at_step("take")
    taken = touched.take(began_at, limit)
    if not taken:
        return RefreshTurn(0)
    oldest = min(one.touched_at for one in taken)
    as_of = touched.newest_block_at() or datetime.fromtimestamp(0, UTC)
    at_step("read")
    notes = touched.notes({one.bucket for one in taken})
    events = wallet_events(touched, files, taken)
    source, seen = market.at(as_of)
    served: list[str] = []
    failed = 0
    for group in _groups(taken, events):
        asked = Asked(as_of, began_at, now(), {one.bucket: notes[one.bucket] for one in group})
        at_step("make")
        try:
            frames = make_wallets([events[one.wallet] for one in group], source, seen, rules, as_of)
        except ValueError as error:
            if len(group) > 1:
                made = _one_by_one(touched, group, events, source, seen, rules, asked)
                served += made
                failed += len(group) - len(made)
                continue
            failed += _put_off(touched, group[0], error)
            continue
        at_step("serve")
        served += touched.serve(asked, [_refreshed(one, events[one.wallet]) for one in group], frames)
    return RefreshTurn(len(taken), tuple(served), failed, len(taken) - len(served) - failed, oldest)


def wallet_events(
    touched: TouchedWallets, files: WalletFiles, taken: Collection[TakenWallet]
) -> dict[str, list[PositionEvent]]:
    """Wallet → all its events in the order of the chain, each transaction's once: as the file has it, where it does."""
    waiting = touched.waiting_events([one.wallet for one in taken])
    by_bucket: dict[int, list[str]] = {}
    for one in taken:
        by_bucket.setdefault(one.bucket, []).append(one.wallet)
    joined: dict[str, list[PositionEvent]] = {}
    for bucket, wallets in sorted(by_bucket.items()):
        for wallet, filed in files.events(bucket, wallets).items():
            hot = waiting.get(wallet, [])
            known = {one.signature for one in filed} if hot else set()
            fresh = [one for one in hot if one.signature not in known]
            joined[wallet] = sorted([*filed, *fresh], key=_order) if fresh else filed
    return joined


def make_wallets(
    wallets: Sequence[Sequence[PositionEvent]],
    source: CandleSource,
    market: Market,
    rules: MomentRules,
    as_of: datetime,
) -> dict[str, pl.DataFrame]:
    """Dataset → the rows of these wallets, each given by its events in the order of the chain, as of `as_of`.

    Raises `ValueError` where something does not fit.
    """
    as_of_s = int(as_of.timestamp())
    # All coins that anything will ask for, in one query.
    market.candles.windows(
        {mint for events in wallets for one in events for mint in (one.mint, one.other_mint) if mint}
    )
    valued = value_events(source, market.candles, [one for events in wallets for one in events])
    lots: list[Lot] = []
    episodes: list[Episode] = []
    owners: list[tuple[list[ValuedEvent], list[RealizedTrade]]] = []
    first = 0
    for events in wallets:
        own = valued[first : first + len(events)]
        first += len(events)
        book = Book(rules.positions)
        realized = [row for one in own for row in book.step(one)]
        lots += book.lots()
        episodes += book.episodes()
        owners.append((own, realized))
    moments: list[Moment] = []
    extremes: list[ExtremeRow] = []
    for (own, realized), found in zip(owners, moments_of(owners, market, rules, as_of_s), strict=True):
        moments += found
        if own:
            extremes += extreme_rows(own[0].event.wallet, extremes_of(realized, found))
    every = [row for _, realized in owners for row in realized]
    return {
        LOTS.name: frame_of(LOTS, lots),
        REALIZED_TRADES.name: frame_of(REALIZED_TRADES, every),
        EPISODES.name: frame_of(EPISODES, episodes),
        OOF_MOMENTS.name: frame_of(OOF_MOMENTS, moments),
        WALLET_EXTREMES.name: frame_of(WALLET_EXTREMES, extremes),
    }


def _one_by_one(
    touched: TouchedWallets,
    group: Sequence[TakenWallet],
    events: Mapping[str, Sequence[PositionEvent]],
    source: CandleSource,
    market: Market,
    rules: MomentRules,
    asked: Asked,
) -> list[str]:
    """Those of a group that can be made; the others are put off."""
    served: list[str] = []
    for one in group:
        try:
            frames = make_wallets([events[one.wallet]], source, market, rules, asked.as_of)
        except ValueError as error:
            _put_off(touched, one, error)
            continue
        alone = Asked(asked.as_of, asked.began_at, asked.read_at, {one.bucket: asked.notes[one.bucket]})
        served += touched.serve(alone, [_refreshed(one, events[one.wallet])], frames)
    return served


def _put_off(touched: TouchedWallets, one: TakenWallet, error: ValueError) -> int:
    logger.warning("wallet could not be made again", extra={"wallet": one.wallet, "reason": str(error)})
    touched.put_off([one.wallet], str(error))
    return 1


def _groups(taken: Sequence[TakenWallet], events: Mapping[str, Sequence[PositionEvent]]) -> list[list[TakenWallet]]:
    groups: list[list[TakenWallet]] = []
    size = EVENTS_AT_ONCE
    for one in taken:
        if size >= EVENTS_AT_ONCE:
            groups.append([])
            size = 0
        groups[-1].append(one)
        size += len(events[one.wallet])
    return groups


def _refreshed(one: TakenWallet, events: Sequence[PositionEvent]) -> RefreshedWallet:
    newest_s = max((event.block_time_s for event in events), default=None)
    newest = None if newest_s is None else datetime.fromtimestamp(newest_s, UTC)
    return RefreshedWallet(one, len(events), newest)


def _order(event: PositionEvent) -> tuple[int, bool, int, str, int]:
    return event.order_key
