"""Finality: a `confirmed` transaction is provisional; this pass marks the final ones and takes back those that vanished."""

import logging
from dataclasses import dataclass

from oof_pipelines.chain.body import BodyError, read_body
from oof_pipelines.interfaces import Inbox, ListedSignature, TransactionSource

logger = logging.getLogger(__name__)

STATUSES_A_CALL = 256
"""Most signatures that getSignatureStatuses takes at once."""


@dataclass(frozen=True, slots=True)
class FinalityResult:
    """What one pass did; `has_more` where more provisional rows wait than one call could ask about."""

    finalized_slot: int
    finalised: int
    retracted: int
    has_more: bool


async def finalise_once(source: TransactionSource, inbox: Inbox) -> FinalityResult:
    """Ask after the oldest provisional transactions whose slot the finalised tip has passed.

    Raises what the source raises; nothing is concluded from a failed read.
    """
    finalized_slot = await source.slot("finalized")
    waiting = await inbox.provisional(finalized_slot, STATUSES_A_CALL)
    if not waiting:
        return FinalityResult(finalized_slot, 0, 0, has_more=False)
    statuses = await source.signature_statuses([row.signature for row in waiting])
    final: list[str] = []
    retracted = 0
    for row, status in zip(waiting, statuses, strict=True):
        if status is None:
            retracted += await _retract_if_gone(source, inbox, row)
        elif status.is_final and status.slot != row.slot:
            await inbox.move_slot(row.signature, status.slot)
            logger.warning("landed again", extra={"signature": row.signature, "slot": status.slot})
        elif status.is_final:
            final.append(row.signature)
    await inbox.mark_final(final)
    is_full_page = len(waiting) == STATUSES_A_CALL
    return FinalityResult(finalized_slot, len(final), retracted, has_more=is_full_page and bool(final))


async def _retract_if_gone(source: TransactionSource, inbox: Inbox, row: ListedSignature) -> int:
    """A node without a status may only lack history: the transaction is gone if it is not served as finalised either."""
    body = await source.transaction(row.signature, "finalized")
    if body is not None:
        slot = _slot_of(body)
        if slot is None or slot == row.slot:
            await inbox.mark_final([row.signature])
        else:
            await inbox.move_slot(row.signature, slot)
            logger.warning("landed again", extra={"signature": row.signature, "slot": slot})
        return 0
    await inbox.retract(row.signature, f"left the chain before slot {row.slot} was finalised")
    logger.warning("vanished", extra={"signature": row.signature, "slot": row.slot})
    return 1


def _slot_of(body: bytes) -> int | None:
    try:
        return read_body(body).slot
    except BodyError:
        return None
