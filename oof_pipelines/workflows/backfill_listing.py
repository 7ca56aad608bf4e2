"""Listing one account's signatures from new to old, around what is proven already, and proving what was listed.

A node's word is taken as in repair.py: by pages behind a known signature, from a node that has reached the tip, and never
past the node's first block. Signatures are kept and queued before the range that holds them is proven, and a range grows
from its upper end downwards by whole slots, so a run may die anywhere: what is proven is whole.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from oof_pipelines.chain.slot_clock import allowed_error_s, estimate_block_time_s
from oof_pipelines.interfaces import (
    Inbox,
    ListedSignature,
    SourceRefusedError,
    SourceUnavailableError,
    TransactionSource,
)
from oof_pipelines.storage.wallet_history import WHOLE_HISTORY_AT, ProvenRange
from oof_pipelines.workflows import repair
from oof_pipelines.workflows.backfill_store import CoverageStore
from oof_pipelines.workflows.repair import history_begin_slot, next_page
from oof_pipelines.workflows.spending import Spending

QUEUED_AS = "backfill"
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run lists: from `since_at` to the finalised `tip_slot`, whose block time is `tip_at`."""

    since_at: datetime
    tip_slot: int
    tip_at: datetime


def is_covered(ranges: Sequence[ProvenRange], bounds: Bounds, begin_slot: int) -> bool:
    """Whether `ranges` of an account leave nothing to list, as far as the node goes back (`begin_slot`)."""
    if not ranges or ranges[-1].last_slot < bounds.tip_slot:
        return False
    return ranges[-1].from_at <= bounds.since_at or ranges[-1].first_slot <= begin_slot


@dataclass(frozen=True, slots=True)
class _Gap:
    """Slots to list, `bottom` to `top`; `bottom` is None where nothing below is proven. `cursor` is known to lie above it."""

    wallet: str
    account: str
    bottom: int | None
    top: int
    cursor: str | None


def _gaps(wallet: str, account: str, ranges: Sequence[ProvenRange], bounds: Bounds, begin_slot: int) -> list[_Gap]:
    """What is to be listed around `ranges`, the newest first, down to where `since_at` or the node's history begins."""
    if not ranges:
        return [_Gap(wallet, account, None, bounds.tip_slot, None)]
    gaps, cursor = [], None
    if ranges[-1].last_slot < bounds.tip_slot:
        gaps.append(_Gap(wallet, account, ranges[-1].last_slot + 1, bounds.tip_slot, None))
    for upper, lower in pairwise((*reversed(ranges), None)):
        assert upper is not None
        cursor = upper.cursor or cursor
        if upper.from_at <= bounds.since_at or upper.first_slot <= begin_slot:
            break
        bottom = None if lower is None else lower.last_slot + 1
        gaps.append(_Gap(wallet, account, bottom, upper.first_slot - 1, cursor))
    return gaps


class Lister:
    """Lists accounts within `bounds`. `begin_slot` is the newest known begin of the node's history."""

    def __init__(
        self,
        source: TransactionSource,
        inbox: Inbox,
        coverage: CoverageStore,
        spending: Spending,
        bounds: Bounds,
        begin_slot: int,
        on_listed: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self._source = source
        self._inbox = inbox
        self._coverage = coverage
        self._spending = spending
        self._bounds = bounds
        self._on_listed = on_listed
        self.begin_slot = begin_slot
        self.listed = 0
        self._ends: list[_Gap] = []
        # One writer at a time, or several accounts would each use up what is left of a ceiling.
        self._turn = asyncio.Lock()

    async def list_account(self, wallet: str, account: str, ranges: Sequence[ProvenRange]) -> bool:
        """List what `ranges` lack; False where a ceiling ended it. What reached the history's end waits for `prove_ends`.

        Raises `SourceUnavailableError` where the node cannot be asked; what was proven by then stays.
        """
        for gap in _gaps(wallet, account, ranges, self._bounds, self.begin_slot):
            if not await self._list_gap(gap):
                return False
        return True

    async def prove_ends(self) -> None:
        """Prove what reached the end of the node's history since the last time, down to where that history now begins."""
        if not self._ends:
            return
        ends, self._ends = self._ends, []
        # Asked after the listing: a node forgets its oldest blocks as it goes, and what is gone it does not list.
        self.begin_slot = await history_begin_slot(self._source)
        begin_at = await self._begin_at(self.begin_slot)
        for gap in ends:
            first_slot = max(gap.bottom or 0, self.begin_slot)
            if first_slot <= gap.top:
                await self._prove(gap, first_slot, begin_at)

    async def _begin_at(self, begin_slot: int) -> datetime:
        if begin_slot == 0:
            return WHOLE_HISTORY_AT
        try:
            time_s = await self._source.block_time_s(begin_slot)
        except SourceRefusedError:
            time_s = None
        return _after(ListedSignature("", begin_slot, time_s))

    async def _list_gap(self, gap: _Gap) -> bool:
        page = await self._first_page(gap)
        kept: list[ListedSignature] = []
        while True:
            inside, beyond = self._cut(gap, page)
            kept += inside
            if beyond is not None:
                lowest = (gap.bottom, self._bounds.tip_at) if gap.bottom is not None else self._above_since(beyond)
                return await self._keep(gap, kept, lowest)
            is_full = len(page) >= repair.SIGNATURES_A_PAGE
            behind = [] if is_full else await self._behind_short(gap.account, page)
            if not is_full and not behind:
                is_whole = await self._keep(gap, kept, None)
                if is_whole:
                    self._ends.append(gap)
                return is_whole
            # The rest of the last row's slot may be on the next page.
            last = page[-1]
            whole = [row for row in kept if row.slot > last.slot]
            if last.slot <= gap.top and not await self._keep(gap, whole, (last.slot + 1, _after(last))):
                return False
            kept = kept[len(whole) :]
            page = behind or await next_page(self._source, gap.account, page, self._bounds.tip_slot)
            _check_order(page, gap.account)

    async def _first_page(self, gap: _Gap) -> list[ListedSignature]:
        async def page_behind(cursor: str | None) -> list[ListedSignature]:
            length = repair.SIGNATURES_A_PAGE
            return await self._source.signatures_for_address(gap.account, cursor, length, self._bounds.tip_slot)

        page = await page_behind(gap.cursor)
        if gap.cursor is not None and not page:
            # A node that does not know the cursor says the same as one that has nothing behind it.
            page = await page_behind(None)
        _check_order(page, gap.account)
        return page

    async def _behind_short(self, account: str, page: list[ListedSignature]) -> list[ListedSignature]:
        """What is behind a page that is not full: nothing at the history's end, and the rest where a node cuts pages short.

        A node that joins two stores may leave out half a page (agave's rpc.rs drops what both have), and an endpoint may give
        fewer rows than it is asked for. No page that was cut is as short as most accounts' histories, which cost no question.
        """
        if len(page) <= repair.SIGNATURES_A_PAGE // 100:
            return []
        length, known = repair.SIGNATURES_A_PAGE, {row.signature for row in page}
        rows = await self._source.signatures_for_address(account, page[-1].signature, length, self._bounds.tip_slot)
        return [row for row in rows if row.signature not in known]

    def _cut(self, gap: _Gap, page: list[ListedSignature]) -> tuple[list[ListedSignature], ListedSignature | None]:
        """The rows inside of the gap, and the first one below it, if there is any."""
        inside: list[ListedSignature] = []
        for row in page:
            if gap.bottom is not None:
                is_below = row.slot < gap.bottom
            else:
                is_below = row.slot <= gap.top and _before(row, self._bounds.since_at)
            if is_below:
                return inside, row
            if row.slot <= gap.top:
                inside.append(row)
        return inside, None

    def _above_since(self, older: ListedSignature) -> tuple[int, datetime]:
        return older.slot + 1, min(self._bounds.since_at, _after(older))

    async def _keep(self, gap: _Gap, rows: Sequence[ListedSignature], lowest: tuple[int, datetime] | None) -> bool:
        """Keep, queue and prove `rows`, whole slots from the gap's top on, as far as the ceilings let; whether all were.

        `lowest` is (slot, time) down to which the gap is whole with all of them; None where that is not known yet.
        """
        # A node that names a signature twice must not have it queued twice at once, which the database refuses.
        rows = list({row.signature: row for row in rows}.values())
        async with self._turn:
            while rows:
                left = self._spending.signatures_left()
                if left == 0 or self._spending.is_out_of_cpu():
                    return False
                some = _whole_slots(rows, left)
                rows = rows[len(some) :]
                await self._coverage.note_listed(gap.wallet, some)
                new = await self._inbox.enqueue(some, QUEUED_AS)
                self._spending.add_signatures(new)
                self._spending.note_progress()
                self.listed += len(some)
                self._on_listed(self.listed)
                if rows or lowest is None:
                    await self._prove(gap, some[-1].slot, _after(some[-1]), some[-1].signature)
                else:
                    await self._prove(gap, *lowest, some[-1].signature)
                    return True
            if lowest is not None:
                await self._prove(gap, *lowest)
        return True

    async def _prove(self, gap: _Gap, first_slot: int, from_at: datetime, cursor: str | None = None) -> None:
        if first_slot <= gap.top:
            to_at = self._bounds.tip_at
            proven = ProvenRange(first_slot, gap.top, from_at, to_at, cursor)
            await self._coverage.prove(gap.wallet, {gap.account: proven})


def _whole_slots(rows: Sequence[ListedSignature], most: int | None) -> Sequence[ListedSignature]:
    """The first of `rows`, at most `most`, cut between slots; the first slot at least, however many it has."""
    if most is None or len(rows) <= most:
        return rows
    end = next((n for n in range(most, 0, -1) if rows[n - 1].slot > rows[n].slot), None)
    if end is None:
        end = next((n for n in range(1, len(rows)) if rows[n].slot < rows[0].slot), len(rows))
    return rows[:end]


def _before(row: ListedSignature, since_at: datetime) -> bool:
    """Whether the row is certainly older. Without a block time the estimate has to be so by all it may be wrong."""
    if row.block_time_s is not None:
        return row.block_time_s < since_at.timestamp()
    return estimate_block_time_s(row.slot) + allowed_error_s(row.slot) < since_at.timestamp()


def _after(row: ListedSignature) -> datetime:
    """An instant from which on every block is later than the row's: a block time is shared by slots beside each other."""
    time_s = row.block_time_s
    if time_s is None:
        time_s = estimate_block_time_s(row.slot) + allowed_error_s(row.slot)
    return datetime.fromtimestamp(time_s, UTC) + _SECOND


def _check_order(page: Sequence[ListedSignature], account: str) -> None:
    if any(above.slot < below.slot for above, below in pairwise(page)):
        raise SourceUnavailableError(f"getSignaturesForAddress: the page of {account} is not in order")
