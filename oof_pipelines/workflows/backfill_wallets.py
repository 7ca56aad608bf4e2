"""Backfill of wallets: their signatures and those of their token accounts, newest to oldest, each transaction once.

The wallets are listed first and what they took part in is fetched, since that tells of token accounts that are closed by now;
then every account is listed, what that brings is fetched, and so on until no account is new. What is proven is not listed
again, what is stored is not fetched again, and a run that ended early, or was killed, is gone on with by the next.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.interfaces import Clock, Inbox, SourceRefusedError, WalletSource
from oof_pipelines.storage.wallet_history import WHOLE_HISTORY_AT, ListedState, ListedTally, ProvenRange
from oof_pipelines.workflows.backfill_accounts import MOST_TOKEN_ACCOUNTS, in_order, missing, open_accounts
from oof_pipelines.workflows.backfill_bodies import Settling
from oof_pipelines.workflows.backfill_listing import Bounds, Lister, is_covered
from oof_pipelines.workflows.backfill_store import CoverageStore
from oof_pipelines.workflows.ceilings import MAX_TX, NO_CEILINGS, Ceilings
from oof_pipelines.workflows.counted_source import CountedSource
from oof_pipelines.workflows.ingest_slots import FETCHING, FINALISING, LISTING, OnProgress
from oof_pipelines.workflows.repair import history_begin_slot
from oof_pipelines.workflows.spending import Spending

__all__ = ["FETCHING", "FINALISING", "LISTING", "BackfillReport", "WalletProof", "backfill_wallets", "proof_of"]

MAX_AGE_SECONDS = 60.0
"""How long ago a wallet may have been proven up to the tip for nothing to be asked, unless the caller says otherwise."""

_ACCOUNTS_AT_ONCE = 64
_UNLISTED_AT_ONCE = 1_024


@dataclass(frozen=True, slots=True)
class WalletProof:
    """What is proven of a wallet: slots, both ends included, of which every signature of it and its accounts is known.

    The range is that which its own listing and those of its listed token accounts have in common; None (and `from_at`,
    `to_at` with it) where nothing is proven of one of them. `from_at` is WHOLE_HISTORY_AT where it reaches back to the first
    transaction. `accounts` are known, `accounts_proven` of them are in the range, `accounts_left_out` were not to be listed.
    """

    wallet: str
    first_slot: int | None
    last_slot: int | None
    from_at: datetime | None
    to_at: datetime | None
    accounts: int
    accounts_proven: int
    accounts_left_out: int
    signatures: ListedTally
    state: ListedState | None

    @property
    def is_whole(self) -> bool:
        """Whether all that is proven to exist is stored and final, or refused for good, and no account was left out."""
        settled = self.signatures.settled == self.signatures.listed
        return self.first_slot is not None and settled and not self.accounts_left_out


@dataclass(slots=True)
class BackfillReport:
    """What one run did.

    `tip_slot` is the finalised slot up to which it went, None where nothing was asked since it was just proven. `listed` rows
    came from the node, `queued` of them were new; `fetched` bodies were asked for, `stored` and `quarantined` are new;
    `waiting` and `provisional` are what is left to do. `unproven` are reasons why something could not be proven. `calls`
    counts questions by JSON-RPC method. `ceilings_hit` names the ceilings that ended the run early: a run with the same
    arguments goes on.
    """

    tip_slot: int | None = None
    tip_at: datetime | None = None
    listed: int = 0
    queued: int = 0
    fetched: int = 0
    stored: int = 0
    quarantined: int = 0
    waiting: int = 0
    provisional: int = 0
    unordered: int = 0
    folded_unordered: int = 0
    accounts: int = 0
    accounts_left_out: int = 0
    unproven: list[str] = field(default_factory=list)
    wallets: dict[str, WalletProof] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    ceilings_hit: tuple[str, ...] = ()

    @property
    def is_partial(self) -> bool:
        return bool(self.ceilings_hit)

    @property
    def is_stuck(self) -> bool:
        """Whether as many bodies were asked for as may be and none came: asking again at once would be for the same ones."""
        return MAX_TX in self.ceilings_hit and not (self.queued or self.stored or self.quarantined)

    @property
    def is_complete(self) -> bool:
        """Whether a run with the same arguments over the same chain would find nothing to do."""
        return not (self.is_partial or self.waiting or self.provisional or self.unproven)


async def backfill_wallets(
    source: WalletSource,
    inbox: Inbox,
    coverage: CoverageStore,
    clock: Clock,
    *,
    wallets: Sequence[str],
    since: datetime | None,
    cluster: str,
    concurrency: int,
    ceilings: Ceilings = NO_CEILINGS,
    most_token_accounts: int = MOST_TOKEN_ACCOUNTS,
    is_asked_again: bool = False,
    max_age_seconds: float = MAX_AGE_SECONDS,
    cpu_ms: Callable[[], int] | None = None,
    on_progress: OnProgress = lambda _stage, _done, _total: None,
) -> BackfillReport:
    """Bring what `wallets` did since `since` (None: ever) into `inbox`, without decoding it, and prove what was listed.

    `cpu_ms` stands in for the clock's count of the processor's milliseconds.
    Nothing at all is asked where every wallet was proven complete less than `max_age_seconds` ago, unless `is_asked_again`.
    Raises `SourceUnavailableError` or `SourceRefusedError` where the node cannot be asked; what was stored and proven stays.
    """
    since_at = WHOLE_HISTORY_AT if since is None else max(since, WHOLE_HISTORY_AT)
    wallets = list(dict.fromkeys(wallets))
    report = BackfillReport()
    is_fresh = not is_asked_again and await _is_fresh(
        coverage, wallets, since_at, clock.now() - timedelta(seconds=max_age_seconds)
    )
    if not is_fresh and wallets:
        counted = CountedSource(source)
        spending = Spending(ceilings, cpu_ms or clock.cpu_ms)
        run = _Run(
            counted, inbox, coverage, clock, spending, report, wallets, since_at, most_token_accounts, on_progress
        )
        try:
            await run.backfill(cluster, concurrency)
        finally:
            report.calls = counted.calls
    for wallet in wallets:
        proof = report.wallets[wallet] = await proof_of(coverage, wallet, most_token_accounts)
        if not report.is_partial and (reason := _unproven(proof, since_at)):
            report.unproven.append(reason)
    report.accounts = sum(one.accounts for one in report.wallets.values())
    report.accounts_left_out = sum(one.accounts_left_out for one in report.wallets.values())
    return report


async def proof_of(coverage: CoverageStore, wallet: str, most_token_accounts: int = MOST_TOKEN_ACCOUNTS) -> WalletProof:
    """What is proven of `wallet` by now, as far as it is stored. Asks no node."""
    ranges, known = await coverage.ranges(wallet), await coverage.accounts(wallet)
    chosen, left_out = in_order(known, most_token_accounts)
    newest = [ranges[account][-1] for account in (wallet, *(one.account for one in chosen)) if account in ranges]
    whole = _common(newest) if len(newest) == 1 + len(chosen) else None
    return WalletProof(
        wallet=wallet,
        first_slot=whole.first_slot if whole else None,
        last_slot=whole.last_slot if whole else None,
        from_at=whole.from_at if whole else None,
        to_at=whole.to_at if whole else None,
        accounts=len(known),
        accounts_proven=sum(one.account in ranges for one in chosen),
        accounts_left_out=left_out,
        signatures=await coverage.tally(wallet),
        state=await coverage.state(wallet),
    )


def _common(ranges: Sequence[ProvenRange]) -> ProvenRange | None:
    """What all of `ranges` have in common; None where that is nothing."""
    first_slot, last_slot = max(one.first_slot for one in ranges), min(one.last_slot for one in ranges)
    if last_slot < first_slot:
        return None
    return ProvenRange(first_slot, last_slot, max(one.from_at for one in ranges), min(one.to_at for one in ranges))


def _unproven(proof: WalletProof, since_at: datetime) -> str | None:
    """What is not proven of a wallet back to `since_at` after a run that came to its end, None where all is."""
    if proof.from_at is not None and proof.from_at <= since_at:
        return None
    if proof.state is not None and proof.state.is_complete:
        begin_slot = proof.state.history_begin_slot
        return f"{proof.wallet}: the node's blocks begin in slot {begin_slot}; before it nothing is proven"
    return f"{proof.wallet}: not all of its listings are proven back to {since_at:%F %T} UTC"


async def _is_fresh(coverage: CoverageStore, wallets: Sequence[str], since_at: datetime, not_before: datetime) -> bool:
    for wallet in wallets:
        state = await coverage.state(wallet)
        if state is None or not state.is_complete or state.seen_at < not_before or since_at < state.since_at:
            return False
    return True


class _Run:
    """One run over all wallets, phase by phase; a phase that a ceiling ended is the last."""

    def __init__(
        self,
        source: CountedSource,
        inbox: Inbox,
        coverage: CoverageStore,
        clock: Clock,
        spending: Spending,
        report: BackfillReport,
        wallets: Sequence[str],
        since_at: datetime,
        most_token_accounts: int,
        on_progress: OnProgress,
    ) -> None:
        self._source = source
        self._inbox = inbox
        self._coverage = coverage
        self._clock = clock
        self._spending = spending
        self._report = report
        self._wallets = wallets
        self._since_at = since_at
        self._most = most_token_accounts
        self._on_progress = on_progress
        self._unasked: set[str] = set()

    async def backfill(self, cluster: str, concurrency: int) -> None:
        seen_at = self._clock.now()
        tip_slot = await self._source.slot("finalized")
        bounds = Bounds(self._since_at, tip_slot, await self._block_time_at(tip_slot))
        self._report.tip_slot, self._report.tip_at = tip_slot, bounds.tip_at
        begin_slot = await history_begin_slot(self._source)
        lister = Lister(
            self._source, self._inbox, self._coverage, self._spending, bounds, begin_slot, self._show_listed
        )
        settling = Settling(
            self._source,
            self._inbox,
            self._coverage,
            self._clock,
            self._spending,
            wallets=self._wallets,
            tip_slot=tip_slot,
            cluster=cluster,
            concurrency=concurrency,
            on_progress=self._on_progress,
        )
        self._turns = asyncio.Semaphore(concurrency)
        try:
            await self._phases(lister, settling, bounds)
        finally:
            self._tell(lister, settling)
        await self._conclude(lister, bounds, seen_at)

    async def _phases(self, lister: Lister, settling: Settling, bounds: Bounds) -> None:
        has_listed = await self._list(lister, bounds, [(wallet, wallet) for wallet in self._wallets])
        if not (await settling.settle() and has_listed):
            return
        for wallet in self._wallets:
            await self._ask_open_accounts(wallet, bounds.tip_slot)
            await self._look_beside(settling, wallet, bounds)
        tried: set[tuple[str, str]] = set()
        while places := await self._accounts_to_list(lister, bounds, tried):
            tried.update(places)
            has_listed = await self._list(lister, bounds, places)
            if not (await settling.settle() and has_listed):
                return

    async def _ask_open_accounts(self, wallet: str, tip_slot: int) -> None:
        try:
            found = await open_accounts(self._source, wallet, tip_slot)
        except SourceRefusedError as error:
            self._report.unproven.append(f"{wallet}: its token accounts cannot be asked for: {error}")
            self._unasked.add(wallet)
            return
        await self._coverage.note_accounts(found)

    async def _look_beside(self, settling: Settling, wallet: str, bounds: Bounds) -> None:
        """Find accounts in what a feed has stored of the wallet and no listing of its own has brought."""
        after = ""
        while some := await self._coverage.unlisted(wallet, bounds.since_at, bounds.tip_slot, after, _UNLISTED_AT_ONCE):
            await settling.look_at(some)
            after = some[-1]

    async def _accounts_to_list(
        self, lister: Lister, bounds: Bounds, tried: set[tuple[str, str]]
    ) -> list[tuple[str, str]]:
        """(wallet, token account) that are to be listed still, in the order that says who comes first."""
        places: list[tuple[str, str]] = []
        for wallet in self._wallets:
            chosen, _ = in_order(await self._coverage.accounts(wallet), self._most)
            ranges = await self._coverage.ranges(wallet)
            covered = {account for account, own in ranges.items() if is_covered(own, bounds, lister.begin_slot)}
            places += [(wallet, account) for account in missing(chosen, covered) if (wallet, account) not in tried]
        return places

    async def _list(self, lister: Lister, bounds: Bounds, places: Sequence[tuple[str, str]]) -> bool:
        """List accounts, some at once; False where a ceiling ended it."""
        for start in range(0, len(places), _ACCOUNTS_AT_ONCE):
            some = places[start : start + _ACCOUNTS_AT_ONCE]
            known = {wallet: await self._coverage.ranges(wallet) for wallet, _ in some}

            async def list_one(place: tuple[str, str], ranges: Sequence[ProvenRange]) -> bool:
                async with self._turns:
                    if is_covered(ranges, bounds, lister.begin_slot):
                        return True
                    if self._spending.is_over:
                        return False
                    return await lister.list_account(*place, ranges)

            outcomes = await asyncio.gather(
                *(list_one((wallet, account), known[wallet].get(account, [])) for wallet, account in some),
                return_exceptions=True,
            )
            await lister.prove_ends()
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
            if not all(outcomes):
                return False
        return True

    async def _block_time_at(self, slot: int) -> datetime:
        try:
            time_s = await self._source.block_time_s(slot)
        except SourceRefusedError:
            time_s = None
        return datetime.fromtimestamp(estimate_block_time_s(slot) if time_s is None else time_s, UTC)

    def _show_listed(self, count: int) -> None:
        self._on_progress(LISTING, count, 0)

    def _tell(self, lister: Lister, settling: Settling) -> None:
        report, fetched, settled = self._report, settling.fetching.tally, settling.tally
        report.listed, report.queued = lister.listed, self._spending.signatures
        report.fetched, report.stored, report.quarantined = fetched.fetched, fetched.stored, fetched.quarantined
        report.waiting, report.provisional = settled.waiting, settled.provisional
        report.unordered, report.folded_unordered = settled.unordered, settled.folded_unordered
        report.ceilings_hit = tuple(self._spending.hit)

    async def _conclude(self, lister: Lister, bounds: Bounds, seen_at: datetime) -> None:
        """Remember how the run ended."""
        for wallet in self._wallets:
            ranges, known = await self._coverage.ranges(wallet), await self._coverage.accounts(wallet)
            chosen, left_out = in_order(known, self._most)
            is_listed = all(
                is_covered(ranges.get(account, []), bounds, lister.begin_slot)
                for account in (wallet, *(one.account for one in chosen))
            )
            tally = await self._coverage.tally(wallet)
            is_settled = tally.settled == tally.listed
            is_complete = is_listed and is_settled and not self._spending.is_over and wallet not in self._unasked
            state = ListedState(
                wallet,
                bounds.since_at,
                bounds.tip_slot,
                seen_at,
                is_complete,
                lister.begin_slot,
                len(known),
                left_out,
            )
            await self._coverage.save_state(state)
