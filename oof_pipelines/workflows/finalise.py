"""Finality: a `confirmed` transaction is provisional; this marks the final ones and takes back those that vanished.

Behind one address there may be many nodes, so one answer takes nothing back. A transaction has vanished when, in several
rounds apart in time and long after its slot was final, there was neither a status of it nor a finalised body; and the absence
of what lies before a node's history counts for nothing.
"""

import logging
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from oof_pipelines.chain.body import BodyError, read_body
from oof_pipelines.interfaces import (
    Clock,
    Inbox,
    ProvisionalTransaction,
    SignatureStatus,
    SourceRefusedError,
    StoreListener,
    TransactionSource,
)
from oof_pipelines.workflows.repair import history_begin_slot
from oof_pipelines.workflows.slot_order import order_slots

logger = logging.getLogger(__name__)

STATUSES_A_CALL = 256
"""Most signatures that getSignatureStatuses takes at once."""

ABSENCES_UNTIL_VANISHED = 3
ABSENCE_APART_SECONDS = 5.0
ABSENCE_AFTER_SLOTS = 32
"""How far finality has to be past a slot before an absence counts: as far again as from confirmed to finalised."""

MOST_MOVES = 3
"""A fork is final once; a transaction that has landed again as often as this is one that nodes tell apart."""


@dataclass(frozen=True, slots=True)
class FinalityResult:
    """What one page did; `has_more` where the round goes on behind it."""

    finalized_slot: int
    finalised: int
    retracted: int
    has_more: bool


@dataclass(slots=True)
class _Absence:
    """How often a transaction was not there, and when that was last counted."""

    times: int
    counted_at_s: float


class Finality:
    """Asks after provisional transactions, page by page, in rounds over all whose slot the finalised tip has passed.

    Where it is in a round, and how often a transaction was absent, is in memory: a feed that begins anew counts anew.
    """

    def __init__(
        self, source: TransactionSource, inbox: Inbox, clock: Clock, listener: StoreListener | None = None
    ) -> None:
        self._source = source
        self._inbox = inbox
        self._listener = listener
        self._clock = clock
        self._after: ProvisionalTransaction | None = None
        self._absences: dict[str, _Absence] = {}
        self._begin_slot: int | None = None

    async def next_page(self) -> FinalityResult:
        """Ask after the next page. Raises what the source raises; nothing is concluded from a failed read."""
        self._begin_slot = None
        finalized_slot = await self._source.slot("finalized")
        waiting = await self._inbox.provisional(finalized_slot, STATUSES_A_CALL, self._after)
        has_more = len(waiting) == STATUSES_A_CALL
        # Before anything is asked: a page that a node refuses must not keep the ones behind it waiting.
        self._after = waiting[-1] if has_more else None
        if not waiting:
            return FinalityResult(finalized_slot, 0, 0, has_more=False)
        statuses = await self._source.signature_statuses([row.signature for row in waiting], finalized_slot)
        pairs = list(zip(waiting, statuses, strict=True))
        finalised = await self._mark_final([row.signature for row, status in pairs if _agrees(row, status)])
        retracted = 0
        for row, status in pairs:
            if status is not None and not status.is_final:
                self._absences.pop(row.signature, None)
            elif not _agrees(row, status):
                is_final, is_retracted = await self._look_closer(row, status, finalized_slot)
                finalised += is_final
                retracted += is_retracted
        return FinalityResult(finalized_slot, finalised, retracted, has_more)

    async def _mark_final(self, signatures: list[str]) -> int:
        if signatures:
            # What is final is folded, and then the order is what the file says.
            await order_slots(self._source, self._inbox, await self._inbox.unplaced_slots(signatures))
        await self._inbox.mark_final(signatures)
        for signature in signatures:
            self._absences.pop(signature, None)
        return len(signatures)

    async def _look_closer(
        self, row: ProvisionalTransaction, status: SignatureStatus | None, finalized_slot: int
    ) -> tuple[bool, bool]:
        """(whether final, whether retracted) of a row without a status, or with one of another slot than its body's.

        Nodes lose statuses and tell wrong slots; the finalised body is what counts.
        """
        try:
            body = await self._source.transaction(row.signature, "finalized")
        except SourceRefusedError as error:
            # It speaks of this one alone, so the others of the page are asked after all the same.
            logger.warning("finality refused", extra={"signature": row.signature, "reason": str(error)})
            return False, False
        if body is None:
            is_gone = status is None and await self._is_gone(row, finalized_slot)
            if is_gone:
                await self._retract(row, f"left the chain before slot {row.slot} was finalised")
            return False, is_gone
        self._absences.pop(row.signature, None)
        slot = _slot_of(body)
        if slot is None or slot == row.slot:
            await self._mark_final([row.signature])
            return True, False
        if row.moves >= MOST_MOVES:
            await self._retract(row, f"given in slot {row.slot} and in slot {slot} by turns, {row.moves} times")
            return False, True
        async with self._taking_back(row):
            await self._inbox.move_slot(row.signature, slot)
        logger.warning("landed again", extra={"signature": row.signature, "slot": slot})
        return False, False

    async def _is_gone(self, row: ProvisionalTransaction, finalized_slot: int) -> bool:
        """Count an absence; whether it is the one that proves it."""
        if finalized_slot < row.slot + ABSENCE_AFTER_SLOTS:
            return False
        if self._begin_slot is None:
            # Once a page. Another node may answer it than the one that had nothing, hence the several rounds.
            self._begin_slot = await history_begin_slot(self._source)
        if row.slot < self._begin_slot:
            return False
        now_s = self._clock.monotonic_s()
        absence = self._absences.setdefault(row.signature, _Absence(0, now_s - ABSENCE_APART_SECONDS))
        if now_s - absence.counted_at_s >= ABSENCE_APART_SECONDS:
            absence.times += 1
            absence.counted_at_s = now_s
        return absence.times >= ABSENCES_UNTIL_VANISHED

    async def _retract(self, row: ProvisionalTransaction, detail: str) -> None:
        async with self._taking_back(row):
            await self._inbox.retract(row.signature, detail)
        self._absences.pop(row.signature, None)
        logger.warning("vanished", extra={"signature": row.signature, "slot": row.slot, "reason": detail})

    def _taking_back(self, row: ProvisionalTransaction) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._listener is None else self._listener.taking_back(row.signature)


def _agrees(row: ProvisionalTransaction, status: SignatureStatus | None) -> bool:
    return status is not None and status.is_final and status.slot == row.slot


def _slot_of(body: bytes) -> int | None:
    try:
        return read_body(body).slot
    except BodyError:
        return None
