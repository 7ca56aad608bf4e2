"""What was listed of wallets, made whole: fetched where it is not stored, its token accounts noted, its order known, final.

A page of signatures goes through all steps before the next, the newest first; only then is it settled, so a run that dies
does a page again, and of that only what is missing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from oof_pipelines.interfaces import Clock, Inbox, ListedSignature, StoredTransaction, TransactionSource
from oof_pipelines.storage.wallet_history import Standing, WalletAccount
from oof_pipelines.workflows.backfill_accounts import accounts_in, together
from oof_pipelines.workflows.backfill_listing import QUEUED_AS
from oof_pipelines.workflows.backfill_store import CoverageStore, SignatureAt
from oof_pipelines.workflows.block_order import BlockOrder
from oof_pipelines.workflows.ceilings import MAX_TX
from oof_pipelines.workflows.fetch_queued import Fetched, QueueFetch, finalise_stored
from oof_pipelines.workflows.ingest_slots import FETCHING, FINALISING, OnProgress
from oof_pipelines.workflows.spending import Spending

PAGE = 1_024
_ACCOUNTS_A_NOTE = 512


@dataclass(slots=True)
class SettledTally:
    """What became of the signatures with which something was to be done.

    `waiting` could not be had, `provisional` are stored and not final, `refused` in quarantine. `unordered` are beside others
    of the wallet in their slot, and nobody knows which came first; `folded_unordered` those of them that are in files
    already, which stay as they are.
    """

    waiting: int = 0
    provisional: int = 0
    refused: int = 0
    unordered: int = 0
    folded_unordered: int = 0


class Settling:
    """Settles what is listed of `wallets`, up to the finalised `tip_slot`."""

    def __init__(
        self,
        source: TransactionSource,
        inbox: Inbox,
        coverage: CoverageStore,
        clock: Clock,
        spending: Spending,
        *,
        wallets: Sequence[str],
        tip_slot: int,
        cluster: str,
        concurrency: int,
        on_progress: OnProgress,
    ) -> None:
        self._source = source
        self._inbox = inbox
        self._coverage = coverage
        self._spending = spending
        self._wallets = sorted(wallets)
        self._tip_slot = tip_slot
        self._on_progress = on_progress
        self._order = BlockOrder(source, concurrency)
        self._looked_at: set[str] = set()
        self.fetching = QueueFetch(
            source,
            inbox,
            clock,
            cluster=cluster,
            concurrency=concurrency,
            before_store=self._before_store,
            most_left=spending.transactions_left,
            has_to_stop=spending.is_out_of_cpu,
            on_fetched=spending.add_transactions,
        )
        self.tally = SettledTally()

    async def settle(self) -> bool:
        """Settle all there is; False where a ceiling ended it. `tally` is of this call."""
        self.tally = SettledTally()
        tallies = [await self._coverage.tally(wallet) for wallet in self._wallets]
        total, done = sum(one.listed - one.settled for one in tallies), 0
        after: SignatureAt | None = None
        while page := await self._coverage.unsettled(self._wallets, after, PAGE):
            after = (page[-1].slot, page[-1].signature)
            await self._settle_page(page, done, total)
            done += len(page)
            if MAX_TX in self._spending.hit or self._spending.is_out_of_cpu():
                return False
        return True

    async def _settle_page(self, page: list[ListedSignature], done: int, total: int) -> None:
        self._looked_at.clear()
        await self._fetch(page, done, total)
        standings = await self._coverage.standing(page)
        stored = [one for one in standings if one.is_stored]
        await self.look_at({one.signature for one in stored} - self._looked_at)
        await self._learn_order({one.slot for one in stored})
        provisional = [(one.signature, one.slot) for one in stored if not one.is_final]
        if provisional:
            await finalise_stored(self._source, self._inbox, provisional, self._tip_slot)
            self._on_progress(FINALISING, done + len(page), max(total, done + len(page)))
            standings = await self._coverage.standing(page)
        await self._coverage.settle(
            self._wallets, [one.signature for one in standings if one.is_stored and one.is_final]
        )
        self._count(standings)

    async def _fetch(self, page: list[ListedSignature], done: int, total: int) -> None:
        """Have what is missing of `page` fetched; what another process stores meanwhile is not."""
        standings = await self._coverage.standing(page)
        wanted = {one.signature for one in standings if not one.is_stored}
        # What the queue has lost since it was listed: the feed discards what it does not follow.
        lost = [row for row in page if row.signature in wanted]
        if lost:
            await self._inbox.enqueue(lost, QUEUED_AS)
        known = len(page) - len(wanted)

        def show(fetched: int, _of: int) -> None:
            self._on_progress(FETCHING, done + known + fetched, max(total, done + len(page)))

        if wanted:
            await self.fetching.fetch(wanted, show)

    async def _before_store(self, fetched: Sequence[Fetched]) -> list[StoredTransaction]:
        """Note the wallets' accounts in bodies before they count as stored; their rows with the place in the block."""
        wallets = frozenset(self._wallets)
        found = together(account for body, _ in fetched for account in accounts_in(body.body, wallets))
        await self._coverage.note_accounts(found)
        self._looked_at.update(row.signature for _, row in fetched)
        rows = [row for _, row in fetched]
        silent = {row.slot for row in rows if row.tx_index is None}
        shared = await self._coverage.shared_slots(self._wallets, sorted(silent)) if silent else set()
        if not shared:
            return rows
        places = await self._order.places(shared)
        return [replace(row, tx_index=places.get(row.signature)) if row.tx_index is None else row for row in rows]

    async def look_at(self, signatures: Collection[str]) -> None:
        """Note the wallets' accounts in stored bodies, folded ones too: whoever stored them looked for nobody's."""
        wallets = frozenset(self._wallets)
        found: list[WalletAccount] = []
        async for _, body in self._coverage.bodies(sorted(signatures)):
            found += accounts_in(body, wallets)
            if len(found) >= _ACCOUNTS_A_NOTE:
                await self._coverage.note_accounts(together(found))
                found.clear()
        await self._coverage.note_accounts(together(found))

    async def _learn_order(self, slots: Collection[int]) -> None:
        """Ask for the order of stored transactions where a wallet has several in a slot and bodies do not say."""
        shared = await self._coverage.shared_slots(self._wallets, sorted(slots)) if slots else set()
        unknown = await self._coverage.without_index(self._wallets, sorted(shared)) if shared else []
        waiting = [(slot, signature) for slot, signature, is_folded in unknown if not is_folded]
        places = await self._order.places({slot for slot, _ in waiting}) if waiting else {}
        told = {signature: places[signature] for _, signature in waiting if signature in places}
        learnt = await self._coverage.set_tx_index(told) if told else 0
        self.tally.unordered += len(unknown) - learnt
        self.tally.folded_unordered += len(unknown) - len(waiting)

    def _count(self, standings: Sequence[Standing]) -> None:
        self.tally.waiting += sum(not one.is_stored and not _is_settled(one) for one in standings)
        self.tally.provisional += sum(one.is_stored and not one.is_final for one in standings)
        self.tally.refused += sum(not one.is_stored and _is_settled(one) for one in standings)


def _is_settled(one: Standing) -> bool:
    if one.is_stored:
        return one.is_final
    return one.is_refused and not one.is_queued
