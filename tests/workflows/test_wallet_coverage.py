"""What an analysis rests on: counts and shares, read only where there is anything to read; certificates alone claim more."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
from certified_wallet import UNTIL, certify

from oof_pipelines.chain.moves import RESIDUAL_PATH
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.storage.parquet.schemas import MOVES
from oof_pipelines.storage.stored_counts import StoredDays, StoredTransactions
from oof_pipelines.workflows.certificate import Certificate
from oof_pipelines.workflows.wallet_coverage import Coverage, coverage_of

DAY, OTHER = date(2026, 1, 5), date(2026, 1, 6)
AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
ONE = 10**18


@dataclass
class Stored:
    """What a database says; remembers the bounds it was asked for."""

    counts: StoredTransactions = field(default_factory=lambda: StoredTransactions(4, 1, 10, 20, AT, AT))
    day_counts: StoredDays = field(default_factory=lambda: StoredDays(100, 0, []))
    own: set[str] = field(default_factory=set)
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def transactions(self, wallets: list[str], since: datetime | None, until: datetime) -> StoredTransactions:
        self.asked.append((tuple(wallets), since, until))
        return self.counts

    def days(self, wallets: list[str], since: datetime | None, until: datetime) -> StoredDays:
        return self.day_counts

    def signatures(self, wallets: list[str], days: list[date], since: datetime | None, until: datetime) -> set[str]:
        return self.own


@dataclass
class Files:
    """Moves by day: (signature, path) of each row."""

    rows: dict[date, list[tuple[str, str]]]
    read: list[date] = field(default_factory=list)

    def batches(
        self, dataset: str, partition: date, *, columns: list[str] | None = None, where: pl.Expr | None = None
    ) -> Iterator[pl.DataFrame]:
        assert dataset == MOVES.name
        assert where is not None
        self.read.append(partition)
        frame = pl.DataFrame(self.rows[partition], schema=["signature", "path"], orient="row")
        yield frame.filter(where).select(columns or frame.columns)


@dataclass
class Exit:
    proceeds_usd_e18: int | None
    basis_status: str
    mint: str = "coin"
    wallet: str = "w"
    signature: str = "s"
    path: str = "0"


def cover(stored: Stored, files: Files, *exits: Exit, certificates: tuple[Certificate, ...] = ()) -> Coverage:
    left_behind = ["moves 2026-01-01: broken"]
    return coverage_of(
        stored,
        files,
        ["w"],
        exits,
        days_asked=3,
        since=AT,
        until=AT,
        left_behind=left_behind,
        certificates=certificates,
    )


def test_residuals_are_counted_of_the_wallet_s_own_transactions_on_days_that_have_any() -> None:
    stored = Stored(day_counts=StoredDays(200, 3, [DAY]), own={"a", "b", "c"})
    moves = [("a", RESIDUAL_PATH), ("a", RESIDUAL_PATH), ("b", "0"), ("x", RESIDUAL_PATH)]
    files = Files({DAY: moves, OTHER: moves})
    coverage = cover(stored, files)
    assert (coverage.residual_transactions, coverage.residual_share) == (1, Decimal("0.250000"))
    assert (coverage.undecoded_transactions, coverage.undecoded_share) == (3, Decimal("0.015000"))
    assert files.read == [DAY]


def test_no_day_is_read_where_none_has_a_residual() -> None:
    files = Files({})
    assert cover(Stored(), files).residual_share == Decimal("0.000000")
    assert files.read == []


def test_unknown_basis_is_a_share_of_the_proceeds_that_have_a_price() -> None:
    exits = [Exit(3 * ONE, "known"), Exit(2 * ONE, "market"), Exit(ONE, "unknown"), Exit(None, "unknown")]
    coverage = cover(Stored(), Files({}), *exits)
    assert (coverage.unknown_basis_share, coverage.unpriced_sales) == (Decimal("0.166667"), 1)
    # Dollars that are spent are no proceeds, and an exit over lots of several kinds is one.
    more = [Exit(90 * ONE, "unknown", mint=USDC_MINT), Exit(None, "known")]
    spent = cover(Stored(), Files({}), *exits, *more)
    assert (spent.unknown_basis_share, spent.unpriced_sales) == (Decimal("0.166667"), 1)
    assert cover(Stored(), Files({})).unknown_basis_share is None


def test_what_was_asked_stands_beside_what_is_there_and_nothing_is_claimed() -> None:
    stored = Stored()
    coverage = cover(stored, Files({}))
    assert (coverage.transactions, coverage.failed_transactions) == (4, 1)
    assert (coverage.first_slot, coverage.last_slot, coverage.days_asked, coverage.since) == (10, 20, 3, AT)
    assert coverage.days_left_behind == ["moves 2026-01-01: broken"]
    assert coverage.is_complete is False
    assert "not proven" in coverage.note
    assert stored.asked == [(("w",), AT, AT)]


def test_it_is_complete_where_every_wallet_s_certificate_is() -> None:
    whole, part = certify(), certify(left_behind=2)
    coverage = cover(Stored(), Files({}), certificates=(whole, whole))
    assert coverage.is_complete
    assert coverage.note == f"proven complete from {whole.since:%Y-%m-%d %H:%M:%S} to slot {whole.last_slot}"
    assert whole.as_of == UNTIL
    mixed = cover(Stored(), Files({}), certificates=(whole, part))
    assert not mixed.is_complete
    assert "not proven" in mixed.note
    assert "w: 2 days or buckets break a check" in mixed.note
