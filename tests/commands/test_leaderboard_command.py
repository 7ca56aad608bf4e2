"""`oof leaderboard` over stored exits: the period's edges, ties, and what does not count."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.commands.leaderboard import leaderboard
from oof_pipelines.positions.results import KNOWN, SALE, UNKNOWN, RealizedTrade
from oof_pipelines.storage.parquet.position_rows import frame_of
from oof_pipelines.storage.parquet.position_schemas import REALIZED_TRADES
from oof_pipelines.storage.parquet.store import ParquetStore

AS_OF = datetime(2026, 1, 31, 12, tzinfo=UTC)
ONE = 10**18
FIRST, SECOND, THIRD, FOURTH = (f"{letter}" * 44 for letter in "ABCD")


def sale(wallet: str, number: int, at: datetime, pnl_usd: int | None) -> RealizedTrade:
    status = UNKNOWN if pnl_usd is None else KNOWN
    pnl = None if pnl_usd is None else pnl_usd * ONE
    return RealizedTrade(
        exit_id=f"{wallet[0]}{number:031d}",
        wallet=wallet,
        mint="mint",
        episode_id="e",
        kind=SALE,
        signature=f"{wallet[0]}{number}",
        path="0",
        slot=number,
        tx_index=0,
        sold_at_s=int(at.timestamp()),
        qty_raw=1,
        decimals=6,
        proceeds_mint="usdc",
        proceeds_raw=1,
        proceeds_usd_e18=1000 * ONE,
        cost_mint=None if pnl is None else "usdc",
        cost_raw=None if pnl is None else 1,
        cost_usd_e18=None if pnl is None else 1000 * ONE - pnl,
        basis_status=status,
        realized_pnl_usd_e18=pnl,
        average_cost_usd_e18=None,
        average_pnl_usd_e18=None,
        entry_at_s=None,
        network_fee_lamports=0,
        tip_lamports=0,
        rent_lamports=0,
        fees_usd_e18=0,
        price_source="par",
        price_confidence_e18=ONE,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Four wallets: two that made the same, one that lost, one that only sold what nobody knows the cost of."""
    day = timedelta(days=1)
    rows = [
        sale(FIRST, 1, AS_OF - day, 40),
        sale(FIRST, 2, AS_OF - 2 * day, 10),
        sale(FIRST, 3, AS_OF - 8 * day, 500),
        sale(SECOND, 1, AS_OF, 50),
        sale(SECOND, 2, AS_OF + timedelta(seconds=1), 900),
        sale(THIRD, 1, AS_OF - 7 * day + timedelta(seconds=1), -3),
        sale(THIRD, 2, AS_OF - 7 * day, 700),
        sale(FOURTH, 1, AS_OF - day, None),
    ]
    store = ParquetStore(tmp_path / "parquet_store")
    by_bucket: dict[int, list[RealizedTrade]] = {}
    for row in rows:
        by_bucket.setdefault(wallet_bucket(row.wallet), []).append(row)
    for bucket, its_rows in by_bucket.items():
        store.write(REALIZED_TRADES.name, bucket, frame_of(REALIZED_TRADES, its_rows))
    return tmp_path


def run(home: Path, *arguments: str) -> Result:
    return CliRunner(env={"OOF_HOME": str(home), "OOF_STORE": ""}).invoke(leaderboard, arguments)


def rows_of(result: Result) -> list[tuple[int, str, str, int, int]]:
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return [tuple(row.values()) for row in rows]


def test_wallets_are_ranked_and_ties_go_to_the_smaller_address(home: Path) -> None:
    shown = rows_of(run(home, "--as-of", AS_OF.isoformat(), "--json"))
    assert shown == [
        (1, FIRST, "50.000000000000000000", 2, 2),
        (2, SECOND, "50.000000000000000000", 1, 1),
        (3, THIRD, "-3.000000000000000000", 1, 0),
    ]


def test_a_longer_period_counts_more(home: Path) -> None:
    shown = rows_of(run(home, "--period", "30d", "--as-of", AS_OF.isoformat(), "--json"))
    assert [(wallet, pnl.split(".")[0]) for _, wallet, pnl, _, _ in shown] == [
        (THIRD, "697"),
        (FIRST, "550"),
        (SECOND, "50"),
    ]


def test_the_same_instant_in_another_zone_is_the_same_question(home: Path) -> None:
    there = AS_OF.isoformat().replace("12:00:00+00:00", "14:00:00+02:00")
    assert run(home, "--as-of", there, "--json").stdout == run(home, "--as-of", AS_OF.isoformat(), "--json").stdout


def test_the_table_is_for_reading_and_may_be_cut_short(home: Path) -> None:
    result = run(home, "--as-of", AS_OF.isoformat(), "--most", "2")
    assert result.exit_code == 0
    assert FIRST in result.stdout
    assert THIRD not in result.stdout
    assert "7d before 2026-01-31T12:00:00Z" in result.stderr


def test_an_empty_store_and_a_wrong_instant_are_one_line_each(home: Path, tmp_path: Path) -> None:
    empty = run(tmp_path / "empty", "--as-of", AS_OF.isoformat())
    assert empty.exit_code == 1
    assert "Error: OOF_HOME: no realised trade is stored" in empty.stderr
    assert not (tmp_path / "empty").exists()
    wrong = run(home, "--as-of", "2026-01-31")
    assert "--as-of: '2026-01-31' has no zone" in wrong.stderr
