"""Fetching one queued signature: its body, a reason to give it up, or later.

Only an answer about the signature counts towards giving it up: that the node does not have it, or that every endpoint
refuses it. While nobody can be asked it waits, however long that lasts.
"""

from datetime import datetime, timedelta

from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.interfaces import (
    Clock,
    Inbox,
    MethodMissingError,
    PutOff,
    QuarantinedTransaction,
    QueuedSignature,
    SourceRefusedError,
    SourceUnavailableError,
    TransactionSource,
    UnsupportedVersionError,
)
from oof_pipelines.workflows.prepare import FetchedBody, lacks_block_time
from oof_pipelines.workflows.repair import history_begin_slot

# A node may announce a transaction before it can serve it (up to ~13 s are known); after as many empty answers as this
# (0.2 s, doubling to 15 s, ~45 s in all), with its slot finalised and within the node's history, it is not there.
EMPTY_ANSWERS_UNTIL_GIVEN_UP = 9
REFUSALS_UNTIL_GIVEN_UP = 3
# A webhook's word proves nothing: its hints are given up once they are this old, whatever slot they claim, and after fewer
# empty answers, since a node serves by then what is true. One whose slot the finalised tip has yet to reach waits for that,
# unless the slot is so far ahead (10 minutes) that it is made up.
HINT_PATIENCE = timedelta(minutes=2)
EMPTY_ANSWERS_UNTIL_HINT_GIVEN_UP = 3
MOST_SLOTS_AHEAD = 1_500
_FIRST_RETRY_SECONDS = 0.2
_REFUSED_RETRY_SECONDS = 2.0
_LONGEST_RETRY_SECONDS = 15.0


class Fetcher:
    """Asks `source` for queued signatures and puts off in `inbox` what is not to be had yet."""

    def __init__(self, source: TransactionSource, inbox: Inbox, clock: Clock) -> None:
        self._source = source
        self._inbox = inbox
        self._clock = clock

    async def fetch(self, queued: QueuedSignature) -> FetchedBody | QuarantinedTransaction | None:
        """The body, a reason for quarantine, or None where the signature stays queued for later."""
        signature = queued.signature
        try:
            body = await self._source.transaction(signature)
            if body is None:
                return await self._not_there(queued)
            slot = lacks_block_time(body)
            known_block_time_s = await self._ask_block_time_s(slot) if slot is not None else None
            return FetchedBody(signature, body, known_block_time_s)
        except UnsupportedVersionError as error:
            return _refusal(queued, QuarantineReason.UNKNOWN_VERSION, str(error))
        except (SourceUnavailableError, MethodMissingError) as error:
            await self._put_off(queued, PutOff.OUTAGE, str(error))
        except SourceRefusedError as error:
            if queued.refusals + 1 >= REFUSALS_UNTIL_GIVEN_UP:
                return _refusal(queued, QuarantineReason.RPC_REFUSED, str(error))
            await self._put_off(queued, PutOff.REFUSAL, str(error))
        return None

    async def _ask_block_time_s(self, slot: int) -> int | None:
        try:
            return await self._source.block_time_s(slot)
        except SourceRefusedError:
            # The body itself is there: it is stored with an estimated time rather than refused for its slot's sake.
            return None

    async def _not_there(self, queued: QueuedSignature) -> QuarantinedTransaction | None:
        if queued.hinted_at is not None:
            return await self._hint_not_there(queued, queued.hinted_at)
        if queued.empty_answers + 1 >= EMPTY_ANSWERS_UNTIL_GIVEN_UP:
            finalized_slot = await self._source.slot("finalized")
            if queued.slot <= finalized_slot:
                (status,) = await self._source.signature_statuses([queued.signature], finalized_slot)
                if status is None:
                    begin_slot = await history_begin_slot(self._source)
                    if begin_slot <= queued.slot:
                        detail = f"announced in slot {queued.slot}, never served"
                        return _refusal(queued, QuarantineReason.NOT_FOUND, detail)
                    await self._put_off(queued, PutOff.EMPTY_ANSWER, f"the node's blocks begin in slot {begin_slot}")
                    return None
        await self._put_off(queued, PutOff.EMPTY_ANSWER, "the node does not have it yet")
        return None

    async def _hint_not_there(self, queued: QueuedSignature, hinted_at: datetime) -> QuarantinedTransaction | None:
        """As for a signature that a node told of, but the slot may be made up, so it is no reason to wait for ever."""
        is_old = self._clock.now() - hinted_at >= HINT_PATIENCE
        if is_old and queued.empty_answers + 1 >= EMPTY_ANSWERS_UNTIL_HINT_GIVEN_UP:
            finalized_slot = await self._source.slot("finalized")
            if not finalized_slot < queued.slot <= finalized_slot + MOST_SLOTS_AHEAD:
                (status,) = await self._source.signature_statuses([queued.signature], finalized_slot)
                if status is None:
                    detail = f"a webhook told of it in slot {queued.slot}, no node has it"
                    return _refusal(queued, QuarantineReason.NOT_FOUND, detail)
        await self._put_off(queued, PutOff.EMPTY_ANSWER, "the node does not have it yet")
        return None

    async def _put_off(self, queued: QueuedSignature, why: PutOff, detail: str) -> None:
        delay_seconds = min(_LONGEST_RETRY_SECONDS, _FIRST_RETRY_SECONDS * 2 ** min(queued.attempts, 20))
        if why is PutOff.REFUSAL:
            delay_seconds = max(delay_seconds, _REFUSED_RETRY_SECONDS)
        await self._inbox.defer(queued.signature, self._clock.now() + timedelta(seconds=delay_seconds), why, detail)


def _refusal(queued: QueuedSignature, reason: QuarantineReason, detail: str) -> QuarantinedTransaction:
    return QuarantinedTransaction(queued.signature, queued.slot, reason, detail, None)
