"""Backfill over the recorded node by the real client into a real database; the node's request log is the witness."""

import asyncio
import json
import random
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from oof_pipelines.chain.transaction import ParsedTransaction, parse_transaction
from oof_pipelines.settings import SecretUrl, load_settings
from oof_pipelines.storage.parquet.schemas import RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.storage.postgres.wallet_coverage import PostgresCoverage
from oof_pipelines.testing.recorded_node.ledger import Ledger, load_ledger
from oof_pipelines.testing.recorded_node.server import RecordedNode
from oof_pipelines.testing.synthetic_chain import write_chain
from oof_pipelines.transport.rpc import RpcClient
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.backfill_wallets import BackfillReport, backfill_wallets
from oof_pipelines.workflows.ceilings import Ceilings
from oof_pipelines.workflows.fold import fold_day

TRANSACTIONS, SEED = 400, 11
BLOCK = "mainnet_254170887_base64_full.json.gz"


QUERIES = (
    "select sig, slot, ts, status, tx_index, is_final from tx_raw order by 1",
    "select wallet, signature, slot, is_settled from wallet_signatures order by 1, 2",
    "select wallet, account, first_slot, last_slot, from_ts, to_ts from wallet_coverage order by 1, 2, 3",
    "select wallet, account, mint, token_program, is_signed, first_slot from wallet_accounts order by 1, 2",
    "select wallet, since_ts, tip_slot, is_complete, accounts, left_out from wallet_listings order by 1",
)
"""Everything that runs over the same chain have to leave the same."""


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="oof-b-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(open_folder / "server")
    server.start()
    yield server
    server.erase()


@pytest.fixture(scope="module")
def synthetic(open_folder: Path) -> Ledger:
    """Real executions of token programs: accounts are opened, handed over to others and closed."""
    write_chain(open_folder / "chain", seed=SEED, transaction_count=TRANSACTIONS, days=3)
    return load_ledger(open_folder / "chain")


class Home:
    """A database and a store, and runs into them from a node that writes down what it is asked."""

    def __init__(self, server: EmbeddedPostgres, folder: Path) -> None:
        name = f"t_{secrets.token_hex(6)}"
        with psycopg.connect(server.url, autocommit=True, connect_timeout=10) as connection:
            connection.execute(f'create database "{name}"'.encode())
        self.url = server.url.rpartition("/")[0] + "/" + name
        self.files = ParquetStore(folder / "store")
        self.log = folder / "requests.jsonl"
        migrate(self.url, load_settings({}).migrations_folder)

    def backfill(self, ledger: Ledger, *wallets: str, faults: str | None = None, **options: Any) -> BackfillReport:
        """One run over a node whose request log begins with it."""

        async def run() -> BackfillReport:
            self.log.unlink(missing_ok=True)
            async with (
                asyncio.timeout(120),
                RecordedNode(ledger, log=self.log, faults=faults, seed=3).serving() as node,
            ):
                return await self.run(node, *wallets, **options)

        return asyncio.run(run())

    async def run(self, node: RecordedNode, *wallets: str, **options: Any) -> BackfillReport:
        """What one process does, with connections of its own."""
        async with (
            RpcClient(
                [SecretUrl(node.http_url, "RPC_PRIMARY")],
                requests_per_second=100_000,
                timeout_seconds=10,
                clock=SystemClock(),
                randomness=random.Random(1),
            ) as rpc,
            PostgresInbox(lambda: self.url, is_feed=False) as inbox,
            PostgresCoverage(lambda: self.url, self.files) as coverage,
        ):
            return await backfill_wallets(
                rpc,
                inbox,
                coverage,
                SystemClock(),
                wallets=wallets,
                since=None,
                cluster="mainnet-beta",
                concurrency=8,
                **options,
            )

    def asked(self) -> Counter[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return Counter(json.loads(line)["method"] for line in lines)

    def signatures(self) -> set[str]:
        with psycopg.connect(self.url, connect_timeout=10) as connection:
            return {sig for (sig,) in connection.execute("select sig from tx_raw where is_final").fetchall()}

    def table(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, connect_timeout=10) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def home(server: EmbeddedPostgres, tmp_path: Path) -> Home:
    return Home(server, tmp_path)


def transactions_of(ledger: Ledger) -> dict[str, ParsedTransaction]:
    bodies = [ledger.read_body(entry, "base64") for entry in ledger.entries]
    return {parsed.signature: parsed for parsed in map(parse_transaction, bodies)}


def history_of(wallet: str, transactions: dict[str, ParsedTransaction]) -> set[str]:
    """Signatures of the wallet and of every token account that was ever its own, found by looking at all there is."""
    addresses, found = {wallet}, set[str]()
    while True:
        found = {signature for signature, each in transactions.items() if addresses & set(each.keys)}
        owned = {
            balance.account
            for signature in found
            for balance in (*transactions[signature].pre_tokens, *transactions[signature].post_tokens)
            if balance.owner == wallet
        }
        if owned <= addresses:
            return found
        addresses |= owned


def busy_wallets(transactions: dict[str, ParsedTransaction]) -> list[str]:
    """Signers, those that hide most behind their token accounts first."""

    def hidden(wallet: str) -> int:
        own = {signature for signature, each in transactions.items() if wallet in each.keys}
        return len(history_of(wallet, transactions) - own)

    signers = Counter(each.fee_payer for each in transactions.values())
    return sorted(signers, key=lambda wallet: (-hidden(wallet), -signers[wallet], wallet))


def test_a_wallet_of_a_real_chain_is_whole_and_is_asked_for_once(home: Home, synthetic: Ledger) -> None:
    transactions = transactions_of(synthetic)
    wallet, second, *_ = busy_wallets(transactions)
    expected = history_of(wallet, transactions)
    named = {signature for signature, each in transactions.items() if wallet in each.keys}
    assert expected > named, "the chain must have transactions that name the wallet's token accounts alone"
    report = home.backfill(synthetic, wallet)
    assert home.signatures() == expected
    assert home.asked()["getTransaction"] == report.fetched == len(expected)
    assert report.calls["getTransaction"] == len(expected)
    assert (report.waiting, report.provisional, report.quarantined) == (0, 0, 0)
    open_now = home.table("select count(*) from wallet_accounts where found_by = 'balances'")
    assert open_now != [(0,)]

    again = home.backfill(synthetic, wallet)
    assert home.asked() == Counter(), "right after, nothing is asked at all"
    assert again.calls == {}
    asked_again = home.backfill(synthetic, wallet, is_asked_again=True)
    assert home.asked()["getTransaction"] == 0
    assert asked_again.calls["getSignaturesForAddress"] == 0, "the tip is where it was"

    other = home.backfill(synthetic, second)
    new = history_of(second, transactions) - expected
    assert home.asked()["getTransaction"] == other.fetched == len(new)
    assert home.signatures() == expected | new


def test_what_is_folded_is_read_from_the_files_and_never_fetched(home: Home, synthetic: Ledger) -> None:
    transactions = transactions_of(synthetic)
    first, second, *_ = busy_wallets(transactions)
    home.backfill(synthetic, first)
    with PostgresFoldSource(home.url) as source:
        for day in source.days_waiting(RAW_TRANSACTIONS.name):
            fold_day(home.files, source, RAW_TRANSACTIONS.name, day)
    assert home.table("select count(*) from inbox_transactions") == [(0,)]
    shared = history_of(first, transactions) & history_of(second, transactions)
    home.backfill(synthetic, second)
    expected = history_of(second, transactions)
    assert home.asked()["getTransaction"] == len(expected - shared)
    assert expected <= home.signatures()
    assert home.backfill(synthetic, first, is_asked_again=True).calls["getTransaction"] == 0


def test_runs_under_ceilings_and_faults_leave_what_one_run_leaves(
    home: Home, server: EmbeddedPostgres, synthetic: Ledger, tmp_path: Path
) -> None:
    transactions = transactions_of(synthetic)
    wallets = busy_wallets(transactions)[:2]
    calm = Home(server, tmp_path / "calm")
    calm.log.parent.mkdir()
    calm.backfill(synthetic, *wallets)
    for _ in range(60):
        report = home.backfill(
            synthetic, *wallets, ceilings=Ceilings(max_signatures=20, max_tx=15), faults="429:p=0.05,error:p=0.02"
        )
        assert report.fetched <= 15 + home.asked()["getTransaction"]
        if not report.is_partial:
            break
    assert not report.is_partial
    for query in QUERIES:
        assert home.table(query) == calm.table(query), query
    assert home.table("select count(*) from fetch_queue") == [(0,)]


def test_two_processes_at_once_leave_what_one_does(
    home: Home, server: EmbeddedPostgres, synthetic: Ledger, tmp_path: Path
) -> None:
    wallets = busy_wallets(transactions_of(synthetic))[:2]
    calm = Home(server, tmp_path / "calm")
    calm.log.parent.mkdir()
    calm.backfill(synthetic, *wallets)

    async def both() -> list[BackfillReport]:
        async with asyncio.timeout(120), RecordedNode(synthetic).serving() as node:
            return await asyncio.gather(home.run(node, *wallets), home.run(node, *reversed(wallets)))

    assert all(not (report.waiting or report.provisional) for report in asyncio.run(both()))
    for query in QUERIES:
        assert home.table(query) == calm.table(query), query


def test_a_wallet_of_a_mainnet_block_has_its_transactions_in_the_order_of_the_block(
    home: Home, fixtures_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "block").mkdir()
    (tmp_path / "block" / BLOCK).symlink_to(fixtures_dir / "blocks" / BLOCK)
    ledger = load_ledger(tmp_path / "block")
    order = {entry.signature: place for place, entry in enumerate(ledger.entries)}
    transactions = transactions_of(ledger)
    payers = Counter(each.fee_payer for each in transactions.values() if len(each.signers) == 1)
    wallet, count = payers.most_common(1)[0]
    assert count > 5
    report = home.backfill(ledger, wallet)
    places = dict(home.table("select sig, tx_index from tx_raw"))
    own = {signature for signature, each in transactions.items() if wallet in each.keys}
    assert own <= set(places)
    assert {signature: places[signature] for signature in own} == {signature: order[signature] for signature in own}
    assert (report.fetched, report.unordered) == (len(places), 0)
    assert report.unproven == [
        f"{wallet}: the node's blocks begin in slot {ledger.slots[0]}; before it nothing is proven"
    ]
