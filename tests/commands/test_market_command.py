"""`oof market` and `oof quote` against a stand-in of the services and a real Postgres: kept, skipped, refused, stopped."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from market_process import market_process

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.commands.market import market
from oof_pipelines.commands.quote import quote
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.settings import REPOSITORY_ROOT
from oof_pipelines.storage.postgres.server import EmbeddedPostgres


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home everyone may enter, with a running server; erased at the end."""
    folder = Path(tempfile.mkdtemp(prefix="oof-t-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "home")
    server.start()
    yield folder / "home"
    server.erase()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, str]]:
    with market_process() as settings:
        yield settings


@pytest.fixture
def configured(home: Path, services: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in services.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OOF_HOME", str(home))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("OOF_MARKET_SOURCES", raising=False)
    monkeypatch.delenv("OOF_SOL_USD_SOURCE", raising=False)
    return home


def ask_once() -> Result:
    return CliRunner().invoke(market, ["--once", "--json-logs"])


def lines_of(result: Result) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in result.output.splitlines() if re.match(r"[a-z_]+ ", line))


def count(home: Path, table: str) -> int:
    with psycopg.connect(EmbeddedPostgres(home).url, connect_timeout=10) as connection:
        [(rows,)] = connection.execute(f"select count(*) from {table}".encode()).fetchall()
    return int(rows)


def test_what_is_not_named_is_skipped_and_what_is_named_is_kept(
    configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OOF_MARKET_SOURCES", "binance, defillama")
    monkeypatch.setenv("OOF_SOL_USD_SOURCE", "pyth")
    result = ask_once()
    assert result.exit_code == 0, result.output
    lines = lines_of(result)
    assert lines["spot_prices"] == "skipped: OOF_MARKET_SOURCES does not name jupiter"
    assert re.fullmatch(r"binance readings=1000 stored=1000 missing=0 refused=0", lines["sol_klines"])
    assert lines["defillama_volume"].startswith("defillama readings=")
    # What SOL is worth is asked of whom OOF_SOL_USD_SOURCE names.
    assert lines["sol_price"] == "pyth readings=1 stored=1 missing=0 refused=0"
    again = lines_of(ask_once())
    assert re.fullmatch(r"binance readings=[12] stored=[012] missing=0 refused=0", again["sol_klines"])


def test_a_source_that_fails_is_named_and_the_others_are_kept(
    configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Readings of one span of time are one row, and another test may have asked within it.
    with psycopg.connect(EmbeddedPostgres(configured).url, connect_timeout=10) as connection:
        connection.execute("delete from volume_readings")
    with market_process("429:p=1;only=binance") as settings:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OOF_MARKET_SOURCES", "binance,defillama")
        result = ask_once()
    assert result.exit_code == 1
    error = result.output.splitlines()[-1]
    assert re.match(r"Error: sol_klines: .*429", error), result.output
    assert count(configured, "volume_readings") > 0


def test_nothing_to_do_is_one_clear_line(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(market, [])
    assert result.exit_code == 1
    assert result.output.strip().startswith(
        "Error: OOF_MARKET_SOURCES: names no source to ask; there are jupiter, pyth,"
    )
    monkeypatch.setenv("OOF_MARKET_SOURCES", "jupiter")
    result = CliRunner().invoke(market, ["--streams"])
    assert result.output.strip() == "Error: OOF_MARKET_SOURCES: names no source to ask; there are pyth, binance"
    monkeypatch.setenv("OOF_MARKET_SOURCES", "jupiter,coingecko")
    result = CliRunner().invoke(market, [])
    assert "OOF_MARKET_SOURCES: 'coingecko' is none of jupiter, pyth" in result.output
    assert CliRunner().invoke(market, ["--once", "--streams"]).exit_code == 2


def test_it_runs_until_it_is_told_to_stop_and_keeps_what_it_heard_last(configured: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    environment = {**os.environ, "OOF_MARKET_SOURCES": "jupiter,pyth,binance"}
    command = [sys.executable, "-m", "oof_pipelines", "market", "--metrics-port", str(port), "--json-logs"]
    with subprocess.Popen(command, env=environment, cwd=REPOSITORY_ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            metrics = wait_for_metrics(port, process)
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        logs = [json.loads(line) for line in process.stderr.read().splitlines()]
        assert process.wait(30) == 0
    assert metrics['oof_market_refresh_failures_total{refresh="spot_prices"}'] == 0
    assert metrics['oof_market_stream_is_up{stream="pyth_stream"}'] == 1
    assert metrics['oof_market_last_good_age_seconds{refresh="spot_prices"}'] < 60
    stopped = {log["stream"]: log for log in logs if log["event"] == "stream stopped"}
    assert stopped["binance_depth"]["stored"] == stopped["binance_depth"]["heard"] > 4
    assert count(configured, "depth_snapshots") >= stopped["binance_depth"]["stored"]


def wait_for_metrics(port: int, process: "subprocess.Popen[str]") -> dict[str, float]:
    """Metrics as soon as both streams have stored something and prices were asked."""
    wanted = (
        'oof_market_stream_stored_total{stream="binance_depth"}',
        'oof_market_stream_stored_total{stream="pyth_stream"}',
        'oof_market_refresh_stored_total{refresh="spot_prices"}',
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            text = ""
        pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("oof_market"))
        values = {name: float(value) for name, value in pairs}
        if all(values.get(name, 0) > 0 for name in wanted):
            return values
        time.sleep(0.1)
    raise AssertionError(f"no metrics with both streams; the process ended with {process.poll()}")


@pytest.mark.usefixtures("configured")
def test_a_quote_is_printed_and_kept(configured: Path) -> None:
    before = count(configured, "quotes")
    result = CliRunner().invoke(quote, ["sol", "USDC", "1000000000", "--slippage-bps", "100", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert (told["sold_mint"], told["bought_mint"], told["sold_raw"]) == (NATIVE_MINT, USDC_MINT, "1000000000")
    assert int(told["least_bought_raw"]) < int(told["bought_raw"])
    assert count(configured, "quotes") == before + 1
    plain = CliRunner().invoke(quote, ["SOL", USDC_MINT, "1000000000"])
    assert plain.output.splitlines()[0] == f"sold    1000000000 of {NATIVE_MINT}"


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["SOL", "SOL", "1"], "SOLD and BOUGHT are the same mint"),
        (["SOL", "nobody", "1"], "'nobody' is neither a mint's address nor SOL, USDC, USDT"),
        (["SOL", "USDC", "0"], "Invalid value for 'AMOUNT'"),
        (["SOL", "USDC", "1.5"], "Invalid value for 'AMOUNT'"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(quote, arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_service_that_is_away_is_one_line_and_its_key_is_not_in_it(
    configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPITER_API_KEY", "very-secret-key")
    with market_process("misshapen:p=1;only=jupiter") as settings:
        monkeypatch.setenv("JUPITER_BASE_URL", settings["JUPITER_BASE_URL"])
        result = CliRunner().invoke(quote, ["SOL", "USDC", "5"])
    assert result.exit_code == 1
    assert re.fullmatch(r"Error: jupiter: [^\n]+\n", result.output), result.output
    assert "very-secret-key" not in result.output
