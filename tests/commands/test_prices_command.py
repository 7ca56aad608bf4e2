"""`oof prices` over a served day, and what `oof sql` tells of the same candles."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from oof_pipelines.commands.bench_trades import TradeWorld, trade_slices
from oof_pipelines.commands.prices import prices
from oof_pipelines.commands.sql import sql
from oof_pipelines.config_files import read_config
from oof_pipelines.pricing.filters import read_filters
from oof_pipelines.settings import REPOSITORY_ROOT
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.candles import PostgresCandles
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.workflows.price_day import price_day

DAY = date(2026, 1, 5)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home with one priced day of made-up trades, and its server."""
    folder = Path(tempfile.mkdtemp(prefix="oof-p-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "home")
    try:
        server.start()
        migrate(server.url, REPOSITORY_ROOT / "sql" / "migrations")
        store = ParquetStore(folder / "home" / "parquet_store")
        trades = pl.concat(trade_slices(TradeWorld(2_000, 3, DAY, mints=5, wallets=50)))
        store.write(MARKET_EVENTS.name, DAY, trades)
        with PostgresCandles(server.url) as served:
            price_day(store, served, read_filters(read_config("prices.yaml")), DAY)
        yield folder / "home"
    finally:
        server.erase()
        shutil.rmtree(folder)


@pytest.fixture
def frame(home: Path) -> pl.DataFrame:
    """The file's primary candles of a minute, of the coin with the most trades."""
    minutes = ParquetStore(home / "parquet_store").read("price_1m", DAY)
    assert minutes is not None
    busiest = minutes.group_by("mint").agg(pl.col("trades").sum()).sort("trades", "mint")["mint"][-1]
    return minutes.filter((pl.col("mint") == busiest) & pl.col("is_primary")).sort("bucket_start")


def ask(home: Path, monkeypatch: pytest.MonkeyPatch, command: object, *arguments: str) -> Result:
    monkeypatch.setenv("OOF_HOME", str(home))
    for name in ("DATABASE_URL", "OOF_STORE"):
        monkeypatch.delenv(name, raising=False)
    return CliRunner().invoke(command, list(arguments))  # type: ignore[arg-type]


def test_candles_come_out_whole(home: Path, frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    mint = frame["mint"][0]
    done = ask(home, monkeypatch, prices, mint, "--since", "2026-01-05", "--until", "2026-01-06", "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.output)
    assert [Decimal(row["vwap"]) for row in rows] == frame["vwap"].to_list()
    assert {row["mint"] for row in rows} == {mint}

    every = ask(
        home, monkeypatch, prices, mint, "--since", "2026-01-05", "--until", "2026-01-06", "--json", "--all-quotes"
    )
    assert len(json.loads(every.output)) >= len(rows)
    hour = ask(home, monkeypatch, prices, mint, "--tf", "1h", "--until", "2026-01-05T01:00", "--json")
    assert [row["bucket_start"][:16] for row in json.loads(hour.output)] == ["2026-01-05T00:00"]


def test_without_bounds_the_newest_are_shown(home: Path, frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    done = ask(home, monkeypatch, prices, frame["mint"][0])
    assert done.exit_code == 0, done.output
    assert f"{frame['vwap'][-1]:f}".rstrip("0") in done.output
    assert f"{frame['bucket_start'][0]:%H:%M:%S}" not in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "MINT: 'nobody' is no address"),
        (["So11111111111111111111111111111111111111112"], "MINT: no candle of So111"),
        (["{mint}", "--since", "2026-01-05", "--until", "2026-01-05"], "--since: 2026-01-05 00:00:00 is not before"),
    ],
)
def test_what_cannot_be_answered_is_one_line(
    home: Path, frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    done = ask(home, monkeypatch, prices, *(argument.format(mint=frame["mint"][0]) for argument in arguments))
    assert done.exit_code == 1
    assert message in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_sql_tells_the_same_candles(home: Path, frame: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(query: str) -> list[dict[str, object]]:
        done = ask(home, monkeypatch, sql, "--format", "json", query)
        assert done.exit_code == 0, done.output
        return list(json.loads(done.output))

    mint = frame["mint"][0]
    [counted] = told(f"select count(*) as candles, sum(vwap) as total from prices where tf = '1m' and mint = '{mint}'")
    assert (counted["candles"], Decimal(str(counted["total"]))) == (frame.height, sum(frame["vwap"]))
    assert told("select count(*) as n from reference_prices") == [{"n": 0}]
    [busiest] = told("most_traded_mints")[:1]
    assert busiest["mint"] == mint
    [day] = told("candles_by_day")
    assert int(str(day["trades"])) + sum(int(str(day[n])) for n in ("dust", "thin", "outliers", "unpriced")) == 2_000
    assert (
        told("select count(*) as n from token_prices")[0]["n"]
        == told("select count(*) as n from prices where tf = '1m' and vwap_usd is not null")[0]["n"]
    )
