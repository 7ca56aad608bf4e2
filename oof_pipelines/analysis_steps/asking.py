"""What is missing of wallets asked of the node that the settings name, and what is known of their histories then."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from oof_pipelines.chain.slot_clock import GENESIS_HASHES, estimate_block_time_s
from oof_pipelines.interfaces import SourceRefusedError, SourceUnavailableError
from oof_pipelines.settings import Settings, SettingsError
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.wallet_coverage import PostgresCoverage
from oof_pipelines.transport.rpc import RpcClient
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.analysis_request import AnalysisRequest
from oof_pipelines.workflows.backfill_store import CoverageStore
from oof_pipelines.workflows.backfill_wallets import MAX_AGE_SECONDS, BackfillReport, backfill_wallets
from oof_pipelines.workflows.certificate import Listed

_FREE_CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of the wallets' histories, by wallet, and what asking for them came to.

    `report` is None and the rest empty where nobody was asked. `since` is how far back was asked; `tip_slot` and `tip_at` are
    up to where every one of the wallets was listed, and the time of that slot.
    """

    listed: Mapping[str, Listed]
    report: BackfillReport | None = None
    since: datetime | None = None
    tip_slot: int = 0
    tip_at: datetime | None = None
    calls: Counter[str] = field(default_factory=Counter)

    def unproven_of(self, wallet: str) -> list[str]:
        """What the listing of the wallet could not prove, in words."""
        said = () if self.report is None else self.report.unproven
        return [line.removeprefix(f"{wallet}: ") for line in said if line.startswith(f"{wallet}: ")]


def ask_node(
    settings: Settings, url: str, request: AnalysisRequest, on_progress: Callable[[str, int, int], None]
) -> Asked:
    """Bring what the node has of the wallets, and the store has not, into the inbox.

    Nobody is asked with `is_stored_only` or where the settings name no endpoint; nothing is asked where all wallets were
    listed a moment ago. Raises `SourceUnavailableError` where no endpoint answers, and `SettingsError` where one is of
    another cluster than the settings say.
    """
    return asyncio.run(_ask(settings, url, request, on_progress))


async def _ask(
    settings: Settings, url: str, request: AnalysisRequest, on_progress: Callable[[str, int, int], None]
) -> Asked:
    async with PostgresCoverage(lambda: url, ParquetStore(settings.store)) as coverage:
        if request.is_stored_only or not settings.rpc_endpoints:
            return Asked(await _listed(coverage, request.wallets))
        clock = SystemClock()
        rpc = RpcClient(
            settings.rpc_endpoints,
            requests_per_second=settings.requests_per_second,
            timeout_seconds=settings.rpc_timeout_seconds,
            clock=clock,
            randomness=random.Random(),  # noqa: S311 - jitter, not a secret
            connections=settings.rpc_concurrency + _FREE_CONNECTIONS,
        )
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(rpc)
            inbox = await opened.enter_async_context(PostgresInbox(lambda: url, is_feed=False))
            since = await _since(rpc, coverage, request, settings, clock.now())
            report = await backfill_wallets(
                rpc,
                inbox,
                coverage,
                clock,
                wallets=request.wallets,
                since=since,
                cluster=settings.cluster,
                concurrency=settings.rpc_concurrency,
                ceilings=request.ceilings,
                is_asked_again=request.is_asked_again,
                on_progress=on_progress,
            )
        listed = await _listed(coverage, request.wallets)
        tip_slot, tip_at = _tip(listed)
        return Asked(listed, report, since, tip_slot, tip_at, _calls(rpc))


async def _listed(coverage: CoverageStore, wallets: Sequence[str]) -> dict[str, Listed]:
    return {
        wallet: Listed(
            await coverage.ranges(wallet),
            await coverage.accounts(wallet),
            await coverage.tally(wallet),
            await coverage.state(wallet),
        )
        for wallet in wallets
    }


async def _since(
    rpc: RpcClient, coverage: CoverageStore, request: AnalysisRequest, settings: Settings, now: datetime
) -> datetime:
    """How far back to ask: so many days before the newest finalised block, or before the instant that is asked for where
    that is within reach.

    A chain's own time counts and not this machine's, since a recorded one ended long ago. Where all wallets were listed a
    moment ago, what was the newest block then still is, and nobody is asked.
    """
    listed = await _listed(coverage, request.wallets)
    is_fresh = not request.is_asked_again and all(_is_fresh(one, now) for one in listed.values())
    _slot, newest_at = _tip(listed) if is_fresh else (0, None)
    if newest_at is None:
        await _check_cluster(rpc, settings)
        newest_at = await _newest_block_at(rpc)
    wanted = min(newest_at, request.as_of or newest_at) - timedelta(days=request.depth_days)
    return max(wanted, newest_at - timedelta(days=request.reach_days))


def _is_fresh(listed: Listed, now: datetime) -> bool:
    state = listed.state
    return state is not None and state.is_complete and now - state.seen_at < timedelta(seconds=MAX_AGE_SECONDS)


def _tip(listed: Mapping[str, Listed]) -> tuple[int, datetime | None]:
    """The last slot up to which every wallet was listed itself, and its time; (0, None) where one was not."""
    newest = [one.ranges[wallet][-1] for wallet, one in listed.items() if one.ranges.get(wallet)]
    if not newest or len(newest) < len(listed):
        return 0, None
    lowest = min(newest, key=lambda one: one.last_slot)
    return lowest.last_slot, lowest.to_at


async def _newest_block_at(rpc: RpcClient) -> datetime:
    slot = await rpc.slot("finalized")
    try:
        time_s = await rpc.block_time_s(slot)
    except SourceRefusedError:
        # A slot without a block; where it lies is known well enough to count days back.
        time_s = None
    return datetime.fromtimestamp(estimate_block_time_s(slot) if time_s is None else time_s, UTC)


async def _check_cluster(rpc: RpcClient, settings: Settings) -> None:
    """Refuse to fill a store of one cluster from an endpoint of another."""
    expected = GENESIS_HASHES.get(settings.cluster)
    try:
        genesis_hash = await rpc.genesis_hash()
    except SourceRefusedError as error:
        raise SourceUnavailableError(f"{settings.rpc_endpoints[0]}: getGenesisHash is refused: {error}") from None
    if expected is not None and genesis_hash != expected:
        raise SettingsError(
            f"SOLANA_CLUSTER: the endpoint's genesis hash {genesis_hash[:44]!r} is not that of {settings.cluster}"
        )


def _calls(rpc: RpcClient) -> Counter[str]:
    calls: Counter[str] = Counter()
    for (method, _outcome), count in rpc.outcomes.items():
        calls[method] += count
    return calls
