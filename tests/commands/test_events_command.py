"""`oof events` over a store: which events it prints, in which form, and what it refuses in one line."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from crafted_bodies import address
from told_trades import COIN, DOLLAR, told_rows

from oof_pipelines.commands.events import events
from oof_pipelines.market.events import STORED_KINDS, MarketEvent, RiskFlag
from oof_pipelines.market.from_decoded import market_events_of
from oof_pipelines.storage.parquet.decoded_rows import frames_of
from oof_pipelines.storage.parquet.market_rows import risk_frame, row_of
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS, RISK_FLAGS
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.replay import stored_events

DAYS = sorted({row.day for row in told_rows()})


def told_on(day: date) -> list[MarketEvent]:
    found: list[MarketEvent] = []
    for row in told_rows():
        if row.day == day and row.decoded is not None:
            at_s = int(row.block_time.timestamp())
            found += market_events_of(row.signature, row.slot, row.tx_index, at_s, row.decoded)
    return found


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ParquetStore:
    """Two days of events, with a flag on the first."""
    monkeypatch.setenv("OOF_HOME", str(tmp_path))
    monkeypatch.delenv("OOF_STORE", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    store = ParquetStore(tmp_path / "parquet_store")
    for day in DAYS:
        rows = {
            name: [row_of(e) for e in told_on(day)] if name == MARKET_EVENTS.name else [] for name in DECODED_DATASETS
        }
        store.write(MARKET_EVENTS.name, day, frames_of(rows)[MARKET_EVENTS.name])
    trade = next(event for event in told_on(DAYS[0]) if event.KIND == "trade")
    flag = RiskFlag(trade.place, "top_holder_share", address("coin"), "holder", "pool", 2_500)
    store.write(RISK_FLAGS.name, DAYS[0], risk_frame([flag]))
    return store


def run(*options: str) -> Result:
    return CliRunner().invoke(events, options)


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_json_has_a_line_an_event_in_their_order(store: ParquetStore) -> None:
    stored = list(stored_events(store, date.min, date.max))
    told = lines(run("--json"))
    assert [(one["kind"], one["signature"], one["log_idx"], one["ordinal"]) for one in told] == [
        (one.KIND, one.place.signature, one.place.log_idx, one.place.ordinal) for one in stored
    ]
    trade = next(one for one in told if one["kind"] == "trade" and one["base_raw"] == str(2**64 - 1))
    # A double does not hold it, so it is text; what it does hold is a number.
    assert (trade["quote_raw"], trade["is_buy"], trade["base_decimals"]) == (1_000, True, None)
    assert trade["block_time"].endswith("Z")
    assert "block_time_s" not in trade


def test_options_choose(store: ParquetStore) -> None:
    everything = lines(run("--json"))
    coin = address("coin")
    assert lines(run("--json", "--mint", coin)) == [one for one in everything if one.get("mint") == coin]
    kinds = ("--kind", "risk_flag", "--kind", "token_launched")
    assert lines(run("--json", *kinds)) == [one for one in everything if one["kind"] in kinds]
    assert lines(run("--json", "--limit", "7")) == everything[:7]
    second = str(DAYS[1])
    assert lines(run("--json", "--until", second)) == [one for one in everything if one["block_time"] < second]
    at = everything[len(everything) // 2]["block_time"].removesuffix("Z")
    since = lines(run("--json", "--since", at))
    assert since == [one for one in everything if one["block_time"].removesuffix("Z") >= at]
    assert 0 < len(since) < len(everything)


def test_a_table_says_each_kind_in_words(store: ParquetStore) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    for words in (
        f"buys {2**64 - 1} for 1000",
        # Of two coins the one that sorts last is the money.
        f"sells {2**64 - 1} for 7" if COIN < DOLLAR else f"buys 7 for {2**64 - 1}",
        "adds 5 and 6" if COIN < DOLLAR else "adds 6 and 5",
        "top_holder_share 2500 bps",
        f"virtual reserves {2**64 - 1} and 31000",
        "freeze none",
        "SYM?",
    ):
        assert words in result.stdout, words
    for kind in STORED_KINDS:
        assert kind in result.stdout


def test_an_empty_store_has_no_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OOF_HOME", str(tmp_path))
    assert lines(run("--json")) == []
    assert run("--limit", "1").exit_code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mint", "nobody"], "is no address"),
        (["--kind", "price"], "price"),
        (["--since", "2026-04-28", "--until", "2026-04-28"], "ends before it begins"),
        (["--limit", "0"], "--limit"),
        (["--since", "yesterday"], "--since"),
    ],
)
def test_what_cannot_be_asked_is_refused(store: ParquetStore, options: list[str], words: str) -> None:
    result = run(*options)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_damaged_file_is_named(store: ParquetStore) -> None:
    path = store.path(MARKET_EVENTS.name, DAYS[0])
    path.write_bytes(path.read_bytes()[:100])
    result = run("--json")
    assert result.exit_code == 1
    assert "market_events" in result.stderr
    assert len(result.stderr.splitlines()) == 1
