"""DuckDB over files and the inbox: every digit, every row once."""

import asyncio
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from stored_rows import AT, SLOT, signature_of, stored

from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.interfaces import Checkpoint, HeardLog, QuarantinedTransaction
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine, QueryError
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.workflows.fold import fold_day

DAY = date(2026, 2, 13)
QUERIES = sorted((REPOSITORY_ROOT / "sql" / "queries").glob("*.sql"))
VIEWS = sorted((REPOSITORY_ROOT / "sql" / "views").glob("*.sql"))
# What is stored here was never decoded; tests/docs asks these over decoded transactions.
OF_DECODED_ROWS = {
    "candles_by_day", "corrections", "decoded_by_day", "decoded_share_by_program", "fees_by_day", "gaps_between_transactions",
    "market_events_by_kind_and_day", "market_sources", "most_traded_minutes", "most_traded_mints",
    "refused_readings_by_reason", "residual_by_program", "risk_flags_by_day", "swaps_by_venue_and_day",
    "unknown_discriminators_by_program_and_hour", "whales_of_the_day",
}  # fmt: skip
# Asked over positions in test_position_queries.py.
OF_DECODED_ROWS |= {
    "leaderboard_7d", "leaderboard_30d", "moments_by_kind", "open_positions", "top_wins", "worst_losses",
}  # fmt: skip
# Asked over certificates in test_certificates.py.
OF_DECODED_ROWS |= {"wallet_certificates"}
# Asked over jobs in test_jobs.py.
OF_DECODED_ROWS |= {"dead_jobs", "jobs_by_status"}
# Asked over a refreshed wallet below.
OF_DECODED_ROWS |= {"freshness"}
CALLED_WITH = {"balances_at": "0", "leaderboard": "timestamptz '2026-01-01 00:00Z', 7"}
"""Views that take arguments."""
Ask = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path / "it's a store")


@pytest.fixture
def ask(url: str, store: ParquetStore) -> Ask:
    def run(statement: str) -> list[tuple[object, ...]]:
        with QueryEngine(store, url, REPOSITORY_ROOT / "sql" / "views") as engine:
            return list(engine.query(statement))

    return run


def fill(url: str, store: ParquetStore) -> None:
    """a and b folded, c final and waiting, d provisional, e queued, f in quarantine."""

    async def first() -> None:
        async with PostgresInbox(lambda: url) as inbox:
            await inbox.store([stored("a", tx_index=1), stored("b", is_failed=True)], [])
            await inbox.mark_final([signature_of("a"), signature_of("b")])

    async def then() -> None:
        async with PostgresInbox(lambda: url) as inbox:
            refusal = QuarantinedTransaction(signature_of("f"), None, QuarantineReason.NOT_FOUND, "never served", None)
            await inbox.store([stored("c", slot=SLOT + 1), stored("d", slot=SLOT + 2)], [refusal])
            await inbox.mark_final([signature_of("c")])
            await inbox.record_heard([HeardLog(signature_of("e"), SLOT + 3, False, ("Program log: e",))], {})
            await inbox.save_checkpoint("all", Checkpoint(SLOT, has_heard=True))

    asyncio.run(first())
    with PostgresFoldSource(url) as source:
        for dataset in ("raw_transactions", "raw_logs"):
            fold_day(store, source, dataset, DAY)
    asyncio.run(then())


def test_files_and_inbox_are_one(url: str, store: ParquetStore, ask: Ask) -> None:
    fill(url, store)
    assert ask("select signature, slot, is_final, day from raw_transactions order by slot, signature desc") == [
        *sorted([(signature_of("a"), SLOT, True, DAY), (signature_of("b"), SLOT, True, DAY)], reverse=True),
        (signature_of("c"), SLOT + 1, True, DAY),
        (signature_of("d"), SLOT + 2, False, DAY),
    ]
    assert ask("select signature, day, logs from raw_logs where day is null") == [
        (signature_of("e"), None, ["Program log: e"])
    ]
    assert ask("select count(*), count(distinct signature) from raw_logs") == [(5, 5)]
    assert ask("select min(block_time) = max(block_time), max(block_time) from raw_transactions") == [(True, AT)]
    assert ask("select program, count(*) from programs group by 1") == [("pumpfun", 4)]


def test_amounts_come_out_whole(url: str, store: ParquetStore, ask: Ask) -> None:
    fill(url, store)
    assert ask("select fee_lamports from raw_transactions limit 1") == [(Decimal(2**64 - 1),)]
    assert ask("select sum(fee_lamports) from raw_transactions") == [(Decimal(4 * (2**64 - 1)),)]
    assert ask("select sum(fee_lamports) from raw_transactions where is_final") == [(Decimal(3 * (2**64 - 1)),)]


def test_a_row_on_both_sides_counts_once(url: str, store: ParquetStore, ask: Ask) -> None:
    """A fold between rename and clearing: the file has what the inbox still has."""

    async def scenario() -> None:
        async with PostgresInbox(lambda: url) as inbox:
            await inbox.store([stored("a")], [])
            await inbox.mark_final([signature_of("a")])

    def cut(step: str) -> None:
        if step == "clear":
            raise KeyboardInterrupt

    asyncio.run(scenario())
    with PostgresFoldSource(url) as source, pytest.raises(KeyboardInterrupt):
        fold_day(store, source, "raw_transactions", DAY, at_step=cut)
    assert ask("select count(*) from raw_transactions") == [(1,)]
    assert ask("select count(*) from hot_raw_transactions") == [(1,)]


def test_body_json_reads_bodies_and_passes_null(url: str, store: ParquetStore, ask: Ask) -> None:
    fill(url, store)
    bodies = ask("select body_json(body_zstd) from raw_transactions")
    assert len(bodies) == 4
    assert {json.loads(str(body))["slot"] for (body,) in bodies} == {SLOT, SLOT + 1, SLOT + 2}
    assert ask("select body_json(null)") == [(None,)]
    assert ask("select signature, body_json(body_zstd) from quarantine") == [(signature_of("f"), None)]
    mixed = "select body_json(body_zstd) is null from (select body_zstd from raw_transactions union all select null)"
    assert sorted(ask(mixed)) == [(False,)] * 4 + [(True,)]


def test_a_body_that_is_none_is_an_error_of_the_query(ask: Ask) -> None:
    with pytest.raises(QueryError, match=r"(?i)zstd"):
        ask("select body_json('abc'::blob)")


def test_how_soon_rows_follow_a_touch(url: str, ask: Ask) -> None:
    with psycopg.connect(url, connect_timeout=10) as connection:
        connection.execute(
            "insert into refresh_log (wallet, cause, newest_block_at, touched_at, began_at, read_at, served_at, events) "
            "select 'w', 'event', at, at + interval '1 s', at + interval '2 s', at + interval '2 s', "
            "at + make_interval(secs => 2 + number), 1 "
            "from (select timestamptz '2026-01-01 00:00Z' as at, number from generate_series(1, 4) as number) told"
        )
    [row] = ask((REPOSITORY_ROOT / "sql" / "queries" / "freshness.sql").read_text(encoding="utf-8"))
    # Touched after a second, begun after two, served after three to six.
    assert row[:3] == ("event", 4, 1)
    assert [float(str(figure)) for figure in row[3:]] == [1.0, 2.5, 3.5, 4.85, 5.0, 5.85]


@pytest.mark.parametrize("query", QUERIES, ids=lambda path: path.stem)
@pytest.mark.parametrize("is_filled", [False, True], ids=["empty", "filled"])
def test_every_ready_query_runs(query: Path, is_filled: bool, url: str, store: ParquetStore, ask: Ask) -> None:
    if is_filled:
        fill(url, store)
    found = ask(query.read_text(encoding="utf-8"))
    has_rows = is_filled and query.stem not in OF_DECODED_ROWS
    assert bool(found) == (has_rows or query.stem == "waiting"), found


@pytest.mark.parametrize("view", VIEWS, ids=lambda path: path.stem)
def test_every_view_has_the_same_columns_empty_and_filled(view: Path, url: str, store: ParquetStore, ask: Ask) -> None:
    call = f"{view.stem}({CALLED_WITH[view.stem]})" if view.stem in CALLED_WITH else view.stem
    assert ("-- Parameters: " in view.read_text(encoding="utf-8")) == (view.stem in CALLED_WITH)
    empty = ask(f"describe from {call}")
    fill(url, store)
    assert ask(f"describe from {call}") == empty


def test_words_in_strings_and_comments_do_no_harm(ask: Ask) -> None:
    assert ask("select '--' as dashes, count(*) from raw_transactions -- quarantine") == [("--", 0)]
    assert ask("select 'programs' -- raw_logs") == [("programs",)]
    assert ask('SELECT COUNT(*) FROM "Raw_Transactions"') == [(0,)]


def test_what_duckdb_refuses_says_so(ask: Ask) -> None:
    with pytest.raises(QueryError, match=r"nothing_of_this_name"):
        ask("select * from nothing_of_this_name")
    with pytest.raises(QueryError, match=r"(?i)syntax"):
        ask("selectt 1")


def test_one_engine_answers_again_with_what_is_new(url: str, store: ParquetStore) -> None:
    with QueryEngine(store, url, REPOSITORY_ROOT / "sql" / "views") as engine:
        assert list(engine.query("select count(*) from raw_transactions")) == [(0,)]
        fill(url, store)
        result = engine.query("select signature as s, slot from raw_transactions where not is_final")
        assert (result.columns, list(result)) == (["s", "slot"], [(signature_of("d"), SLOT + 2)])
