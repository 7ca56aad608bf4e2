"""What an analysis rests on: the coverage of the owner, and a certificate for each of his wallets, kept in the database."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date

import polars as pl

from oof_pipelines.analysis_steps.asking import Asked
from oof_pipelines.chain.moves import LAMPORTS_ASSET
from oof_pipelines.storage.parquet.minute_candles import ParquetMinuteCandles
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.wallet_moves import ParquetWalletMoves
from oof_pipelines.storage.postgres.certificates import PostgresCertificates
from oof_pipelines.storage.postgres.stored_wallets import PostgresStoredWallets
from oof_pipelines.storage.stored_counts import OwnTransaction, WalletCounts
from oof_pipelines.storage.wallet_history import WHOLE_HISTORY_AT
from oof_pipelines.workflows.analysis_request import AnalysisRequest
from oof_pipelines.workflows.analyze_wallets import WalletAnalysis
from oof_pipelines.workflows.certificate import Basis, Certificate, Depth, certificate_of
from oof_pipelines.workflows.minute_candles import CandlePrices, MinuteCandles, sol_rates
from oof_pipelines.workflows.moved_balances import balance_gaps, moved
from oof_pipelines.workflows.value_shares import ValueShares, value_shares
from oof_pipelines.workflows.wallet_coverage import Coverage, coverage_of, unknown_basis


@dataclass(frozen=True, slots=True)
class Certifier:
    """Where certificates are made from: the same files, rows and candles as the analysis they are of."""

    url: str
    store: ParquetStore
    stored: PostgresStoredWallets
    source: ParquetMinuteCandles
    candles: MinuteCandles

    def certify(
        self,
        analysis: WalletAnalysis,
        request: AnalysisRequest,
        asked: Asked,
        left_behind: Sequence[str],
        ceilings_hit: Sequence[str],
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> tuple[Coverage, list[Certificate]]:
        """Make, keep and return them; those that were kept of the same wallets before are replaced."""
        depths = {wallet: self._depth(wallet, analysis, asked) for wallet in analysis.wallets}
        own = {
            wallet: self.stored.own_transactions(wallet, depth.since, depth.until) for wallet, depth in depths.items()
        }
        shares, gaps = self._values_and_gaps(analysis, own)
        certificates = []
        with PostgresCertificates(self.url) as kept:
            for done, wallet in enumerate(analysis.wallets, 1):
                depth = depths[wallet]
                certificates.append(
                    certificate_of(
                        wallet,
                        depth,
                        asked.listed[wallet],
                        _counts(own[wallet], kept.undecoded(wallet, depth.since, depth.until), gaps.get(wallet, 0)),
                        shares[wallet],
                        _basis(analysis, wallet),
                        left_behind=len(left_behind),
                        ceilings_hit=ceilings_hit,
                        unproven=asked.unproven_of(wallet),
                    )
                )
                on_progress(done, len(analysis.wallets))
            kept.replace(certificates)
        coverage = coverage_of(
            self.stored,
            self.store,
            list(analysis.wallets),
            analysis.realized,
            days_asked=request.days,
            since=analysis.since,
            until=analysis.as_of,
            left_behind=list(left_behind),
            certificates=certificates,
        )
        return coverage, certificates

    def _depth(self, wallet: str, analysis: WalletAnalysis, asked: Asked) -> Depth:
        """From when on the wallet was asked for; where nobody was asked now, since when is told, or was asked once before.

        What was asked for after the instant that is told says nothing of it: all that is told has to be proven then.
        """
        since = asked.since if asked.since is not None else analysis.since
        state = asked.listed[wallet].state
        if since is None and state is not None:
            since = state.since_at
        if since is not None and since > analysis.as_of:
            since = analysis.since
        last_slot = self.stored.newest_slot(analysis.as_of)
        return Depth(
            since=None if since == WHOLE_HISTORY_AT else since,
            until=analysis.as_of,
            last_slot=asked.tip_slot if last_slot is None else last_slot,
        )

    def _values_and_gaps(
        self, analysis: WalletAnalysis, own: Mapping[str, Sequence[OwnTransaction]]
    ) -> tuple[dict[str, ValueShares], dict[str, int]]:
        """By wallet: shares by value, and in how many places a balance does not go on from where it ended."""
        filed = [one for rows in own.values() for one in rows if one.is_filed]
        places = _Places.of(filed)
        files = ParquetWalletMoves(self.store)
        moves = files.moves(analysis.wallets, places.days, places.slots, places.signatures)
        programs = files.programs(places.days, places.slots, places.signatures)
        summed = moved(moves)
        # Only coins that the story deals with are looked up: their candles were read for it.
        mints = (set(summed["asset"]) & set(analysis.mints)) - set(analysis.mints_left_out)
        lamports_at = summed.filter(pl.col("asset") == LAMPORTS_ASSET)["at_s"]
        sol, coins = sol_rates(self.source, lamports_at), CandlePrices(self.candles.windows(mints))
        decimals = self.stored.decimals(mints)
        shares = {
            wallet: value_shares(summed.filter(pl.col("owner") == wallet), programs, sol, coins, decimals)
            for wallet in analysis.wallets
        }
        return shares, balance_gaps(moves)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where transactions are found in the files."""

    days: Collection[date]
    slots: Collection[int]
    signatures: Collection[str]

    @classmethod
    def of(cls, transactions: Sequence[OwnTransaction]) -> "_Places":
        return cls(
            {one.at.astimezone(UTC).date() for one in transactions},
            {one.slot for one in transactions},
            {one.signature for one in transactions},
        )


def _counts(own: Sequence[OwnTransaction], undecoded: int, balance_gaps: int) -> WalletCounts:
    by_slot = Counter(one.slot for one in own)
    return WalletCounts(
        transactions=len(own),
        failed=sum(one.is_failed for one in own),
        provisional=sum(not one.is_final for one in own),
        undecoded=undecoded,
        unordered=sum(one.tx_index is None and by_slot[one.slot] > 1 for one in own),
        balance_gaps=balance_gaps,
    )


def _basis(analysis: WalletAnalysis, wallet: str) -> Basis:
    share, unpriced = unknown_basis(row for row in analysis.realized if row.wallet == wallet)
    return Basis(share, unpriced, list(analysis.mints_left_out))
