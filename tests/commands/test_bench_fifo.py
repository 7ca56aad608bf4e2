"""`oof bench fifo`: made-up trades that can be booked, both sides over the same ones, and errors that name the setting."""

import re
import stat
from collections import defaultdict
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oof_pipelines.commands import bench_fifo_worker as worker
from oof_pipelines.commands.bench_fifo import fifo
from oof_pipelines.commands.bench_fifo_events import all_kinds, event_of, trades
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import BUY
from oof_pipelines.positions.rational import RationalBook
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.positions.valued import ValuedEvent

SMALL = ("--events", "1000", "--rounds", "1", "--compared", "300")


def ask(*options: str) -> Result:
    return CliRunner().invoke(fifo, [*options])


def test_trades_never_sell_more_than_is_held_and_are_the_same_by_seed() -> None:
    held: dict[str, int] = defaultdict(int)
    for trade in trades(5_000, 7):
        held[trade.mint] += trade.qty_raw if trade.kind == BUY else -trade.qty_raw
        assert held[trade.mint] >= 0
    assert list(trades(200, 7)) == list(trades(200, 7))
    assert list(trades(200, 7)) != list(trades(200, 8))
    assert list(islice(trades(5_000, 7), 200)) != list(trades(200, 8))


def test_a_file_of_trades_is_the_trades(tmp_path: Path) -> None:
    file = tmp_path / "trades.txt"
    worker.write_trades(file, 300, 5)
    assert [event_of(one) for one in worker._read(file)] == [event_of(one) for one in trades(300, 5)]


def test_what_is_booked_is_what_was_bought_and_sold(tmp_path: Path) -> None:
    file = tmp_path / "trades.txt"
    worker.write_trades(file, 2_000, 5)
    booked, reference = worker.book(file), RationalBook(worker.PositionRules())
    rows = [row for trade in trades(2_000, 5) for row in reference.step(event_of(trade))]
    assert (booked.events, booked.rows) == (2_000, len(rows))
    assert Decimal(booked.realized_usd) == Decimal(sum(row.realized_pnl_usd_e18 or 0 for row in rows)).scaleb(-18)
    assert booked.lots == len(reference.lots())


def test_a_difference_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worker.rationals(2_100, 1).different == 0
    step = RationalBook.step

    def off_by_one(book: RationalBook, valued: ValuedEvent) -> list[RealizedTrade]:
        return [worker.msgspec.structs.replace(row, qty_raw=row.qty_raw + 1) for row in step(book, valued)]

    # Of the two, the reference: the engine may be compiled, and is not to be changed then.
    monkeypatch.setattr(RationalBook, "step", off_by_one)
    assert worker.rationals(500, 1).different > 0


def test_growth_hands_out_everything() -> None:
    grown = worker.growth(3_000, 2)
    assert grown.rows == sum(
        len(rows) for rows in map(Book(worker.PositionRules()).step, map(event_of, trades(3_000, 2)))
    )
    assert grown.snapshot_bytes > 1_000
    assert grown.peak_kib > 1_000


def test_the_command_says_what_it_measured() -> None:
    result = ask(*SMALL)
    assert result.exit_code == 0, result.output
    assert f"1,000 trades of one wallet; {worker.BUILD};" in result.output
    assert re.search(r"events a second +[\d,]+", result.output)
    assert re.search(r"300 events of every kind.*\n +[\d,]+ values in [\d,]+ rows, 0 differ", result.output)


def test_the_peer_books_the_same_trades() -> None:
    pytest.importorskip("prezzemolo", reason="rp2 is not installed")
    result = ask(*SMALL, "--peer", "--peer-trades", "400")
    assert result.exit_code == 0, result.output
    found = re.search(r"realised: ours (\S+), rp2 (\S+) dollars", result.output)
    assert found, result.output
    assert f"; ours is {worker.BUILD};" in result.output
    ours, peers = map(Decimal, found.groups())
    assert ours != 0
    # rp2 computes with 31 digits and rounds; ours is exact.
    assert abs(ours - peers) < Decimal("1e-9")
    for part in ("from trades to gains", "to gains alone", "with all rows"):
        assert re.search(rf"{part} +[\d.]+ \[[\d.]+ to [\d.]+\] times as fast", result.output), part


def test_a_python_that_is_none_is_named(tmp_path: Path) -> None:
    missing = ask(*SMALL, "--peer", "--peer-python", str(tmp_path / "python"))
    assert missing.exit_code == 1
    assert "--peer-python (OOF_PEER_PYTHON):" in missing.output
    assert "does not run" in missing.output
    empty = tmp_path / "empty"
    empty.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    empty.chmod(empty.stat().st_mode | stat.S_IXUSR)
    without = ask(*SMALL, "--peer", "--peer-python", str(empty))
    assert without.exit_code == 1
    assert "has no rp2; get it with `pip install rp2`" in without.output


def test_events_of_every_kind_keep_their_transactions_together() -> None:
    """The engine tells transactions apart by signature; here every one is there once, and whole."""
    seen: list[str] = []
    for valued in all_kinds(2_000, 4):
        if not seen or seen[-1] != valued.event.signature:
            seen.append(valued.event.signature)
    assert len(seen) == len(set(seen))
