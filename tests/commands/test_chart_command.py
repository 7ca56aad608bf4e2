"""`oof chart`: the picture of a served day's candles, and where it cannot be put."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from oof_pipelines.commands.bench_trades import TradeWorld, trade_slices
from oof_pipelines.commands.chart import chart
from oof_pipelines.config_files import read_config
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.pricing.filters import read_filters
from oof_pipelines.settings import REPOSITORY_ROOT
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.candles import PostgresCandles
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.workflows.price_day import price_day

DAY = date(2026, 1, 5)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home with one priced day of made-up trades, and its server."""
    folder = Path(tempfile.mkdtemp(prefix="oof-c-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "home")
    try:
        server.start()
        migrate(server.url, REPOSITORY_ROOT / "sql" / "migrations")
        store = ParquetStore(folder / "home" / "parquet_store")
        store.write(MARKET_EVENTS.name, DAY, pl.concat(trade_slices(TradeWorld(400, 3, DAY, mints=2, wallets=20))))
        with PostgresCandles(server.url) as served:
            price_day(store, served, read_filters(read_config("prices.yaml")), DAY)
        yield folder / "home"
    finally:
        server.erase()
        shutil.rmtree(folder)


def draw(home: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setenv("OOF_HOME", str(home))
    for name in ("DATABASE_URL", "OOF_STORE"):
        monkeypatch.delenv(name, raising=False)
    return CliRunner().invoke(chart, list(arguments))


def busiest(home: Path) -> str:
    minutes = ParquetStore(home / "parquet_store").read("price_1m", DAY)
    assert minutes is not None
    return str(minutes.group_by("mint").agg(pl.col("trades").sum()).sort("trades", "mint")["mint"][-1])


def is_one_line(done: Result, message: str) -> bool:
    return done.exit_code == 1 and message in done.output and len(done.output.strip().splitlines()) == 1


def test_the_picture_goes_where_out_says(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = draw(home, monkeypatch, busiest(home), "--out", str(tmp_path / "c.png"))
    assert done.exit_code == 0, done.output
    assert (tmp_path / "c.png").read_bytes().startswith(PNG)
    assert done.output.startswith(f"{tmp_path / 'c.png'}: ")

    monkeypatch.chdir(tmp_path)
    assert draw(home, monkeypatch, busiest(home)).exit_code == 0
    assert (tmp_path / f"{busiest(home)}.png").read_bytes() == (tmp_path / "c.png").read_bytes()


def test_what_cannot_be_written_names_out(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    too_long = tmp_path / f"{'x' * 300}.png"
    done = draw(home, monkeypatch, busiest(home), "--out", str(too_long))
    assert is_one_line(done, f"--out: cannot write {too_long} (File name too long)"), done.output


@pytest.mark.parametrize("place", ["nowhere/c.png", "file/c.png", "no\nwhere/c.png"])
def test_a_folder_that_is_none_is_told_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "file").touch()
    # A home that does not exist either: it is not reached.
    done = draw(tmp_path / "no home", monkeypatch, USDC_MINT, "--out", str(tmp_path / place))
    assert is_one_line(done, "Error: --out: "), done.output
    assert "is no folder" in done.output
    assert not (tmp_path / "no home").exists()
