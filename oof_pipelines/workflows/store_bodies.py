"""Bodies into the inbox, whoever brought them: checked, stored in batches, told of. The one way in for all that is heard."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from oof_pipelines.interfaces import (
    Clock,
    Inbox,
    ListedSignature,
    QuarantinedTransaction,
    StoredTransaction,
    StoreListener,
)
from oof_pipelines.workflows.decode_tally import DecodeTally
from oof_pipelines.workflows.feed_counts import FeedCounts
from oof_pipelines.workflows.prepare import FetchedBody, prepare

logger = logging.getLogger(__name__)

STORE_BATCH = 100
# Signatures of dropped votes kept in mind, so that a repair that lists them again does not fetch them again (~30 MB).
VOTES_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """A body, or the reason why there is none, heard of in `slot`. `on_done` is called once the inbox has it.

    `is_told` says that nobody was asked for the body: where it cannot be stored, it is a hint to ask, and no more.
    """

    signature: str
    slot: int
    outcome: FetchedBody | QuarantinedTransaction
    on_done: Callable[[], None]
    is_told: bool = False


class BodyStoring:
    """Takes arrivals and stores them. `tally` (what was decoded) may be read at any time.

    Where votes are left out, simple ones are dropped and remembered: blocks list them, `all` does not announce them, and a
    repaired stretch must hold what a heard one does. A listing does not tell votes apart, so each is fetched once.
    """

    def __init__(
        self,
        inbox: Inbox,
        clock: Clock,
        counts: FeedCounts,
        *,
        cluster: str,
        is_leaving_out_votes: bool,
        listener: StoreListener | None,
        anchor_programs: Collection[str] = (),
    ) -> None:
        self._inbox = inbox
        self._clock = clock
        self._counts = counts
        self._cluster = cluster
        self._is_leaving_out_votes = is_leaving_out_votes
        self._listener = listener
        self._anchor_programs = frozenset(anchor_programs)
        self._arrivals: asyncio.Queue[Arrival] = asyncio.Queue(STORE_BATCH * 2)
        self._dropped_votes: dict[str, None] = {}
        self.tally = DecodeTally()

    async def put(self, arrival: Arrival) -> None:
        """Hand over one arrival; waits where the database does not keep up."""
        await self._arrivals.put(arrival)

    def is_dropped_vote(self, signature: str) -> bool:
        """Whether it was fetched before and is a vote that is not wanted."""
        return signature in self._dropped_votes

    async def run(self) -> None:
        """Store for ever. Ends by cancellation, or with the first error of the inbox."""
        while True:
            batch = [await self._arrivals.get()]
            while len(batch) < STORE_BATCH and not self._arrivals.empty():
                batch.append(self._arrivals.get_nowait())
            await self._store(batch)
            for arrival in batch:
                arrival.on_done()

    async def _store(self, batch: list[Arrival]) -> None:
        pairs = [(arrival, self._prepare(arrival)) for arrival in batch]
        stored = [row for _, row in pairs if isinstance(row, StoredTransaction)]
        refused = [row for arrival, row in pairs if isinstance(row, QuarantinedTransaction) and not arrival.is_told]
        await self._ask_instead(
            [(arrival, row) for arrival, row in pairs if isinstance(row, QuarantinedTransaction) and arrival.is_told]
        )
        votes = [row.signature for row in stored if self._is_leaving_out_votes and row.is_simple_vote]
        if votes:
            stored = [row for row in stored if row.signature not in set(votes)]
            await self._inbox.discard(votes)
            self._remember_votes(votes)
            self._counts.ignored_votes += len(votes)
        if stored or refused:
            new_stored, new_refused = await self._inbox.store(stored, refused)
            self._counts.stored += new_stored
            self._counts.quarantined += new_refused
        await self._tell(stored)
        for row in refused:
            logger.warning("quarantined", extra={"signature": row.signature, "reason": str(row.reason)})

    async def _ask_instead(self, doubtful: list[tuple[Arrival, QuarantinedTransaction]]) -> None:
        if doubtful:
            listed = [ListedSignature(arrival.signature, arrival.slot) for arrival, _ in doubtful]
            self._counts.queued += await self._inbox.enqueue(listed, "socket")
        for _, row in doubtful:
            extra = {"signature": row.signature, "reason": str(row.reason), "detail": row.detail}
            logger.warning("a body that cannot be stored, fetched instead", extra=extra)

    def _prepare(self, arrival: Arrival) -> StoredTransaction | QuarantinedTransaction:
        if isinstance(arrival.outcome, QuarantinedTransaction):
            return arrival.outcome
        return prepare(
            arrival.outcome, arrival.slot, self._cluster, self._clock.now(), anchor_programs=self._anchor_programs
        )

    async def _tell(self, stored: list[StoredTransaction]) -> None:
        if self._listener is not None and stored:
            await self._listener.stored(stored)
        for row in stored:
            if row.decoded is None:
                self.tally.add_undecoded(row.signature)
            else:
                self.tally.add(row.decoded)

    def _remember_votes(self, signatures: list[str]) -> None:
        self._dropped_votes |= dict.fromkeys(signatures)
        while len(self._dropped_votes) > VOTES_REMEMBERED:
            del self._dropped_votes[next(iter(self._dropped_votes))]
