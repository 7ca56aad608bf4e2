"""The analysis of an owner from end to end, joined once for the command line and for whoever serves jobs.

What is missing of the wallets is asked of the node, days and buckets that lag are brought up to date, the story is computed
from the files, and how complete all of that is goes into a certificate for each wallet.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from oof_pipelines.analysis_steps.asking import Asked, ask_node
from oof_pipelines.analysis_steps.buckets import update_buckets_of
from oof_pipelines.analysis_steps.certifying import Certifier
from oof_pipelines.analysis_steps.days import make_days
from oof_pipelines.position_work import moment_rules
from oof_pipelines.settings import Settings
from oof_pipelines.storage.parquet.minute_candles import ParquetMinuteCandles
from oof_pipelines.storage.parquet.pool_events import ParquetPoolEvents
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.seen_quotes import PostgresQuotes
from oof_pipelines.storage.postgres.stored_wallets import PostgresStoredWallets
from oof_pipelines.workflows.analysis_request import AnalysisRequest, continuation_of
from oof_pipelines.workflows.analyze_wallets import WalletAnalysis, analyze_wallets
from oof_pipelines.workflows.backfill_wallets import BackfillReport
from oof_pipelines.workflows.ceilings import MAX_CANDLE_READS, MAX_CPU_MS, MAX_TX
from oof_pipelines.workflows.certificate import Certificate
from oof_pipelines.workflows.cpu_meter import CpuMeter
from oof_pipelines.workflows.minute_candles import MinuteCandles
from oof_pipelines.workflows.wallet_coverage import Coverage
from oof_pipelines.workflows.wallet_moments import Market

DAYS, WALLETS, ANALYSIS, CERTIFICATES = "days", "wallets", "analysis", "certificates"
"""Stages of a run, after those of asking (`listing`, `fetching`, `finalising`)."""

OnProgress = Callable[[str, int, int], None]
"""Hears of a stage, how much of it is done and how much there is (0: unknown)."""

_NS_A_MS = 1_000_000


class NothingStoredError(Exception):
    """Nothing is stored of any of the wallets and nobody could be asked: there is no story. `wallets` are they."""

    def __init__(self, wallets: tuple[str, ...], as_of: datetime | None) -> None:
        until = "" if as_of is None else f" up to {as_of.isoformat()}"
        super().__init__(f"nothing is stored of {', '.join(wallets)}{until}")
        self.wallets = wallets
        self.as_of = as_of


@dataclass(slots=True)
class AnalysisOutcome:
    """What a run made.

    `certificates` are of the single wallets in the order asked for, `coverage` of all of them together. `backfill` is None
    where nobody was asked, `calls` counts what was asked by method. `left_behind` has a line for each day or bucket that
    breaks a check and stays as it was. Where a ceiling was reached (`ceilings_hit`) what is told is a part, `is_partial`,
    and running `continuation` goes on; there is none where the node served nothing of what was asked. `unknown_wallets` are
    those of which nothing is stored.
    """

    request: AnalysisRequest
    analysis: WalletAnalysis
    coverage: Coverage
    certificates: list[Certificate]
    backfill: BackfillReport | None
    calls: dict[str, int]
    left_behind: list[str]
    unknown_wallets: tuple[str, ...] = ()
    ceilings_hit: tuple[str, ...] = ()
    continuation: AnalysisRequest | None = None
    cpu_ms: int = 0

    @property
    def is_partial(self) -> bool:
        return bool(self.ceilings_hit)


@dataclass(slots=True)
class _Run:
    """A run under way: what it found out, and which ceilings it reached so far, in that order."""

    request: AnalysisRequest
    meter: CpuMeter
    on_progress: OnProgress
    ceilings_hit: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)

    def hit(self, *names: str) -> None:
        self.ceilings_hit += [name for name in names if name not in self.ceilings_hit]

    def stage(self, name: str) -> Callable[[int, int], None]:
        """Says that a stage begins; what is returned says how far it has come."""
        self.on_progress(name, 0, 0)
        return lambda done, total: self.on_progress(name, done, total)


def run_analysis(
    settings: Settings,
    url: str,
    request: AnalysisRequest,
    *,
    on_progress: OnProgress = lambda _stage, _done, _total: None,
) -> AnalysisOutcome:
    """Analyse the owner of `request.wallets` over the migrated database at `url`.

    The node is asked where the settings name one, unless `is_stored_only`. Each step may be repeated, and a run that was
    killed is simply run again. A ceiling ends a stage after at least one piece of it, so that continuations come to an end.
    Raises `NothingStoredError`, `SourceUnavailableError` and `SourceRefusedError` (nobody could be asked; what was stored
    stays), `SettingsError` (an endpoint of another cluster), and what the workflows raise.
    """
    run = _Run(request, CpuMeter(request.ceilings.max_cpu_ms, _own_cpu_ms), on_progress)
    asked = ask_node(settings, url, request, on_progress)
    if asked.report is not None:
        run.hit(*asked.report.ceilings_hit)
    _bring_up_to_date(run, settings, url)
    return _tell(run, settings, url, asked)


def _bring_up_to_date(run: _Run, settings: Settings, url: str) -> None:
    """Days, then the buckets of the wallets. Where time is up the days that are left keep lagging."""
    counted_ms = 0

    def is_enough(others_cpu_ms: int) -> bool:
        nonlocal counted_ms
        run.meter.add_ms(others_cpu_ms - counted_ms)
        counted_ms = others_cpu_ms
        return run.meter.is_over

    made = make_days(url, settings, run.stage(DAYS), is_enough=is_enough)
    run.on_progress(DAYS, made.tried, made.lagging)
    if made.is_cut_short:
        run.hit(MAX_CPU_MS)
    shown = run.stage(WALLETS)
    buckets, broken = update_buckets_of(url, ParquetStore(settings.store), run.request.wallets, shown)
    shown(buckets, buckets)
    run.left_behind += [*made.failures, *broken]


def _tell(run: _Run, settings: Settings, url: str, asked: Asked) -> AnalysisOutcome:
    """The story and its certificates."""
    store, request = ParquetStore(settings.store), run.request
    rules = moment_rules(settings)
    with PostgresStoredWallets(url) as stored, PostgresQuotes(url) as quotes:
        as_of = _as_of(request, stored, asked)
        unknown = _unknown_wallets(stored, request.wallets, as_of)
        if as_of is None or (len(unknown) == len(request.wallets) and asked.report is None):
            raise NothingStoredError(request.wallets, as_of if request.as_of is not None else None)
        since = _since(request, as_of, asked)
        source = ParquetMinuteCandles(store)
        market = Market(MinuteCandles(source, date.min, as_of.date()), ParquetPoolEvents(store), quotes)
        shown = run.stage(ANALYSIS)
        analysis = analyze_wallets(
            store,
            source,
            market,
            rules,
            request.wallets,
            as_of,
            since=since,
            most_candle_reads=request.most_candle_reads,
        )
        shown(analysis.events, analysis.events)
        if analysis.mints_left_out:
            run.hit(MAX_CANDLE_READS)
        certifier = Certifier(url, store, stored, source, market.candles)
        coverage, certificates = certifier.certify(
            analysis, request, asked, run.left_behind, run.ceilings_hit, run.stage(CERTIFICATES)
        )
    return AnalysisOutcome(
        request=request,
        analysis=analysis,
        coverage=coverage,
        certificates=certificates,
        backfill=asked.report,
        calls=dict(asked.calls),
        left_behind=run.left_behind,
        unknown_wallets=unknown,
        ceilings_hit=tuple(run.ceilings_hit),
        continuation=continuation_of(request, _to_go_on_with(run.ceilings_hit, asked)),
        cpu_ms=run.meter.spent_ms,
    )


def _to_go_on_with(ceilings_hit: list[str], asked: Asked) -> list[str]:
    """The ceilings behind which there is more to be had: a node that serves nothing would be asked for it for ever."""
    is_stuck = asked.report is not None and asked.report.is_stuck
    return [name for name in ceilings_hit if name != MAX_TX or not is_stuck]


def _as_of(request: AnalysisRequest, stored: PostgresStoredWallets, asked: Asked) -> datetime | None:
    """The instant that is told: never behind what is known, the newest stored block or the slot up to which was listed."""
    newest_at = stored.newest_at()
    known = [at for at in (newest_at, request.as_of) if at is not None]
    if asked.tip_at is not None:
        newest_slot = stored.newest_slot(asked.tip_at)
        # Of the listing's last second a feed may have stored slots that were not listed.
        is_cut = newest_slot is not None and newest_slot > asked.tip_slot
        listed_at = asked.tip_at - timedelta(seconds=1) if is_cut else asked.tip_at
        if asked.since is not None and newest_at is not None and newest_at < asked.since:
            # Nothing happened since then, and that is known.
            return min(listed_at, request.as_of or listed_at)
        known.append(listed_at)
    return min(known, default=None)


def _since(request: AnalysisRequest, as_of: datetime, asked: Asked) -> datetime | None:
    """From when on is told: as far back as was asked, where somebody was and the instant was within reach."""
    if request.days is None:
        return None
    if asked.since is not None and asked.since <= as_of and request.days == request.depth_days:
        return asked.since
    return as_of - timedelta(days=request.days)


def _unknown_wallets(
    stored: PostgresStoredWallets, wallets: tuple[str, ...], as_of: datetime | None
) -> tuple[str, ...]:
    if as_of is None:
        return wallets
    return tuple(wallet for wallet in wallets if not stored.transactions([wallet], None, as_of).count)


def _own_cpu_ms() -> int:
    return time.process_time_ns() // _NS_A_MS
