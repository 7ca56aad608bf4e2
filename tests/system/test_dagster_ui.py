"""The Dagster processes as a data engineer meets them: a backfill launched through the UI's API, and the page it shows.

Real webserver, daemon and Postgres; the page in a real headless Chromium where there is one.
"""

import hashlib
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest
from filled_home import FilledHome, fill
from playwright.sync_api import Page, sync_playwright

from oof_pipelines.commands.dagster_api import DagsterApi
from oof_pipelines.commands.dagster_instance import (
    daemon_command,
    dagster_environment,
    storage_command,
    webserver_command,
)
from oof_pipelines.commands.processes import Processes
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.price_schemas import PRICE_DATASETS
from oof_pipelines.storage.parquet.schemas import DATASETS, DECODED_DATASETS, RAW_DATASETS, WALLET_DATASETS
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from resources.warehouse import risk_thresholds

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PASSED = {
    "raw": "5 / 5 Passed",
    "decoded": "3 / 3 Passed",
    "wallets": "2 / 2 Passed",
    "market": "4 / 4 Passed",
    "prices": "1 / 1 Passed",
}
DAY_ASSETS = [name for name, dataset in DATASETS.items() if dataset.partition_column == "day"]

FILLED = [*RAW_DATASETS, "actions", "moves", "participants", "token_facts", "position_events"]

_PARTITIONS = """
query Partitions($keys: [AssetKeyInput!]) { assetNodes(assetKeys: $keys) {
  assetKey { path }
  partitionStats { numMaterialized numFailed }
  assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey status } } }
} }
"""


@dataclass(frozen=True, slots=True)
class Ui:
    """A running webserver after one backfill, and the home behind it."""

    address: str
    home: FilledHome


@pytest.fixture(scope="module")
def ui() -> Iterator[Ui]:
    """Webserver and daemon over three filled days that a backfill, launched by API, has folded."""
    folder = Path(tempfile.mkdtemp(prefix="oof-u-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder)
    try:
        url = server.start()
        migrate(url, load_settings({}).migrations_folder)
        home = FilledHome(folder, url, fill(url))
        environment = {**dagster_environment(url, folder), "DATABASE_URL": url, "OOF_STORE": ""}
        with Processes(folder / "logs", environment) as processes:
            processes.wait(processes.start("storage", storage_command(), ends=True), 120)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            processes.start("webserver", webserver_command(port))
            api = DagsterApi(f"http://127.0.0.1:{port}")
            api.wait_until_ready(processes.check)
            first, last = date.fromisoformat(home.days[0]), date.fromisoformat(home.days[-1])
            backfill = api.launch_backfill(DAY_ASSETS, first, last, secrets.token_hex(4))
            daemon = processes.start("daemon", daemon_command())
            api.wait_for_runs(backfill, processes.check, 180)
            processes.release(daemon)
            processes.start("daemon", daemon_command())
            api.wait_for_backfill(backfill, processes.check, lambda _done, _wanted: None, 180)
            api.run_job("update_wallets", "00", "63", processes.check, 180)
            yield Ui(f"http://127.0.0.1:{port}", home)
    finally:
        server.erase()
        shutil.rmtree(folder)


def test_the_backfill_fills_exactly_its_three_days(ui: Ui) -> None:
    question = {"query": _PARTITIONS, "variables": {"keys": [{"path": [name]} for name in DAY_ASSETS]}}
    answer = httpx.post(f"{ui.address}/graphql", json=question, timeout=30).json()
    nodes = {node["assetKey"]["path"][0]: node for node in answer["data"]["assetNodes"]}
    assert set(nodes) == set(DAY_ASSETS)
    for name, node in nodes.items():
        # Flags look back: those of the days after, which look at these, were made again with them.
        days_after = risk_thresholds().lookback_days if name == "risk_flags" else 0
        assert node["partitionStats"] == {"numMaterialized": 3 + days_after, "numFailed": 0}
        [filled] = node["assetPartitionStatuses"]["ranges"]
        last = date.fromisoformat(ui.home.days[-1]) + timedelta(days=days_after)
        assert (filled["startKey"], filled["endKey"]) == (ui.home.days[0], last.isoformat())
        assert filled["status"] == "MATERIALIZED"


def test_the_files_hold_what_waited(ui: Ui) -> None:
    root = ui.home.home / "parquet_store"
    frame = pl.read_parquet(root / "raw_transactions", hive_partitioning=False)
    assert sorted(frame["signature"]) == sorted(tx.signature for tx in ui.home.transactions)
    files = list(root.glob("*/day=*/part.parquet"))
    # Nobody is configured to say what a SOL is worth, so there is no file of that.
    assert {path.parent.parent.name for path in files} == set(DAY_ASSETS) - {"reference_prices"}
    assert len(files) == 3 * (len(DAY_ASSETS) - 1)
    # The synthetic chain calls no venue: what programs tell is empty, and empty files of a dataset are the same.
    filled = [path for path in files if path.parent.parent.name in FILLED]
    assert len({hashlib.sha256(path.read_bytes()).hexdigest() for path in filled}) == len(filled) == 3 * len(FILLED)
    by_wallet = pl.read_parquet(root / "wallet_actions", hive_partitioning=False)
    actions = pl.read_parquet(root / "actions", hive_partitioning=False)
    assert set(by_wallet["id"]) == set(actions["id"])
    events = pl.read_parquet(root / "wallet_events", hive_partitioning=False)
    by_day = pl.read_parquet(root / "position_events", hive_partitioning=False)
    assert set(events.select("signature", "wallet", "seq").rows()) == set(
        by_day.select("signature", "wallet", "seq").rows()
    )


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("NO BROWSER: Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield browser.new_page(viewport={"width": 1600, "height": 2600})
        browser.close()


def test_the_pages_show_lineage_filled_partitions_and_checks(ui: Ui, page: Page) -> None:
    page.set_default_timeout(60_000)
    page.goto(f"{ui.address}/asset-groups")
    groups = {
        "raw": ["inbox", *RAW_DATASETS],
        "decoded": list(DECODED_DATASETS),
        "wallets": list(WALLET_DATASETS),
        "market": ["risk_flags", "features_1m"],
        "prices": list(PRICE_DATASETS),
    }
    for group in groups:
        page.get_by_text(group, exact=True).first.wait_for()
    for group, names in groups.items():
        page.goto(f"{ui.address}/locations/oof_pipelines/asset-groups/{group}/lineage")
        for name in names:
            page.get_by_text(name, exact=True).first.wait_for()
        page.get_by_text(PASSED[group]).first.wait_for()
    day = ui.home.days[1]
    page.goto(f"{ui.address}/assets/raw_transactions?view=partitions&partition={day}")
    page.get_by_text("Materialized (3)").first.wait_for()
    page.get_by_text("Failed (0)").first.wait_for()
    page.get_by_text(f"raw_transactions/day={day}/part.parquet").first.wait_for()
    page.goto(f"{ui.address}/assets/raw_transactions?view=checks")
    page.get_by_text("body_readable").first.wait_for()
    page.goto(f"{ui.address}/assets/moves?view=partitions&partition={day}")
    page.get_by_text("residual_value_share").first.wait_for()
