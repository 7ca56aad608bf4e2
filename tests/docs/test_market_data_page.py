"""docs/market_data.md: its table is what is declared, its bounds are the code's, and its queries run."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded_data import REPOSITORY_ROOT

from assets.market_data import FRESHNESS
from oof_pipelines.settings import MARKET_SOURCES, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.market_data import REFUSED_KEPT
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.workflows import refresh_readings as bounds
from oof_pipelines.workflows.refresh_market import PRICE_STREAM, REFRESHES, STREAMS
from oof_pipelines.workflows.refresh_streams import DEPTH_KEPT
from sensors.refresh_market import market_schedules

PAGE = (REPOSITORY_ROOT / "docs" / "market_data.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| `(\w+)` \| (.+?) \| `(.+?)` \| (\d+) min, (\d+) min \|$", re.MULTILINE)
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


def pace(name: str) -> str:
    return (
        "as a stream" if REFRESHES[name].source == STREAMS[PRICE_STREAM] else f"every {REFRESHES[name].every_seconds} s"
    )


def test_the_table_is_what_is_declared() -> None:
    told = {name: row for name, *row in ROW.findall(PAGE)}
    crons = dict(zip(REFRESHES, (schedule.cron_schedule for schedule in market_schedules), strict=True))
    assert {name: [row[0], row[2], row[3], int(row[4]), int(row[5])] for name, row in told.items()} == {
        name: [one.source, pace(name), crons[name], *(window.total_seconds() / 60 for window in FRESHNESS[name])]
        for name, one in REFRESHES.items()
    }
    assert {row[0] for row in told.values()} == set(MARKET_SOURCES)


def test_streams_and_bounds_are_those_of_the_code() -> None:
    for stream in STREAMS:
        assert f"`{stream}`" in PAGE
    words = " ".join(PAGE.split())
    assert f"at most {bounds.MOST_MINTS} for prices (SOL always among them), {bounds.MOST_COINS} for pump.fun" in words
    assert f"In chunks of {bounds.MINTS_AT_ONCE}" in words
    assert (bounds.TOUCHED_DAYS, bounds.METADATA_DAYS) == (7, 30)
    assert (DEPTH_KEPT.total_seconds() / 3600, REFUSED_KEPT.days) == (6, 30)


@pytest.fixture(scope="module")
def engine() -> Iterator[QueryEngine]:
    folder = Path(tempfile.mkdtemp(prefix="oof-q-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "server")
    try:
        url = server.start()
        migrate(url, load_settings({}).migrations_folder)
        with QueryEngine(ParquetStore(folder / "store"), url, REPOSITORY_ROOT / "sql" / "views") as opened:
            yield opened
    finally:
        server.erase()
        shutil.rmtree(folder)


def test_the_page_has_queries() -> None:
    assert len(QUERIES) == 5


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_runs(engine: QueryEngine, query: str) -> None:
    assert list(engine.query(query)) == []
