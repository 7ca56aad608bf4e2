"""`oof analyze` of wallets that a real recorded-chain node serves: what is stored is never asked for again."""

import asyncio
import itertools
import json
import os
import secrets
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner, Result

from oof_pipelines.analysis_work import run_analysis
from oof_pipelines.chain.body import read_body
from oof_pipelines.commands.analyze import analyze
from oof_pipelines.commands.processes import Processes
from oof_pipelines.commands.recorded_chain import start_node
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.synthetic_chain import generate, write_transactions
from oof_pipelines.workflows.analysis_request import AnalysisRequest
from oof_pipelines.workflows.ceilings import Ceilings

COUNT, SEED = 120, 4


@dataclass(frozen=True, slots=True)
class Chain:
    """A node over a synthetic chain, its request log, and which transactions mention a wallet."""

    folder: Path
    node_url: str
    log: Path
    by_wallet: dict[str, set[str]]
    slots: dict[str, int]

    def calls_since(self, begun_at: int) -> Counter[str]:
        """Requests by method, from a length of the log on."""
        lines = self.log.read_text(encoding="utf-8")[begun_at:].splitlines()
        return Counter(json.loads(line)["method"] for line in lines)

    @property
    def log_length(self) -> int:
        return len(self.log.read_text(encoding="utf-8")) if self.log.exists() else 0


@dataclass(frozen=True, slots=True)
class Home:
    """A home of its own, with its own database, that may ask the node."""

    chain: Chain
    environment: dict[str, str]

    def run(self, *arguments: str, exit_code: int = 0) -> tuple[Result, Counter[str]]:
        """What the command says, and what the node was asked meanwhile."""
        begun_at = self.chain.log_length
        result = CliRunner(env=self.environment).invoke(analyze, arguments)
        assert result.exit_code == exit_code, result.output
        return result, self.chain.calls_since(begun_at)

    def told(self, *arguments: str) -> tuple[dict[str, Any], Counter[str]]:
        result, calls = self.run(*arguments, "--json")
        return json.loads(result.stdout), calls


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="oof-t-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "server")
    server.start()
    yield server
    server.erase()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    folder, beside = tmp_path_factory.mktemp("chain"), tmp_path_factory.mktemp("node")
    made = list(generate(SEED, COUNT, days=6))
    write_transactions(folder, made)
    by_wallet: dict[str, set[str]] = {}
    for one in made:
        body = read_body(one.to_json_bytes("base64"))
        for key in body.account_keys:
            by_wallet.setdefault(key, set()).add(one.signature)
    signers = {read_body(one.to_json_bytes("base64")).account_keys[0] for one in made}
    with Processes(beside, {}) as processes:
        node = start_node(processes, folder, speed=0, request_log=beside / "requests.jsonl")
        yield Chain(
            folder,
            node.http_url,
            beside / "requests.jsonl",
            {wallet: by_wallet[wallet] for wallet in sorted(signers)},
            {one.signature: one.slot for one in made},
        )


def new_database(server: EmbeddedPostgres) -> str:
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(server.url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(f'create database "{name}"'.encode())
    return server.url.rpartition("/")[0] + "/" + name


@pytest.fixture
def home(chain: Chain, server: EmbeddedPostgres, tmp_path: Path) -> Home:
    environment = {
        **dict.fromkeys((name for name in os.environ if name.startswith(("OOF_", "RPC_"))), ""),
        "OOF_HOME": str(tmp_path / "home"),
        "DATABASE_URL": new_database(server),
        "RPC_PRIMARY": chain.node_url,
        "RPC_REQUESTS_PER_SECOND": "5000",
    }
    return Home(chain, environment)


def busiest(chain: Chain) -> str:
    return max(chain.by_wallet, key=lambda wallet: (len(chain.by_wallet[wallet]), wallet))


def neighbour(chain: Chain, wallet: str) -> str:
    """Another wallet with transactions in common with `wallet`, and others of its own."""
    own = chain.by_wallet[wallet]
    candidates = {
        other: theirs for other, theirs in chain.by_wallet.items() if other != wallet and theirs & own and theirs - own
    }
    return max(candidates, key=lambda other: (len(candidates[other] & own), other))


def test_what_is_stored_is_not_asked_for_again_nor_what_two_wallets_share(chain: Chain, home: Home) -> None:
    wallet = busiest(chain)
    first, calls = home.told(wallet)
    assert calls["getTransaction"] >= len(chain.by_wallet[wallet]) > 5
    [certificate] = first["certificates"]
    assert certificate["transactions"] >= len(chain.by_wallet[wallet])
    fetched = calls["getTransaction"]

    # A moment later nothing at all is asked; and asked again, no transaction.
    result, calls = home.run(wallet, "--json")
    assert (json.loads(result.stdout), calls) == (first, Counter())
    assert "calls: getTransaction 0" in result.stderr.splitlines()[-1]
    again, calls = home.told(wallet, "--again")
    assert calls["getTransaction"] == 0
    assert calls["getSlot"] > 0
    assert again["summary"] == first["summary"]

    other = neighbour(chain, wallet)
    told, calls = home.told(other)
    new = chain.by_wallet[other] - chain.by_wallet[wallet]
    assert len(new) <= calls["getTransaction"] <= fetched + len(new)
    assert told["certificates"][0]["transactions"] >= len(chain.by_wallet[other])
    with psycopg.connect(home.environment["DATABASE_URL"], autocommit=True, connect_timeout=10) as connection:
        [stored] = connection.execute("select count(*) from tx_raw").fetchall()
    # Each body came once.
    assert stored[0] == fetched + calls["getTransaction"]


def test_the_certificate_is_complete_where_all_is_listed_and_says_so_alone(chain: Chain, home: Home) -> None:
    wallet = busiest(chain)
    told, _ = home.told(wallet, "--days", "2")
    [certificate] = told["certificates"]
    assert (certificate["is_complete"], certificate["reasons"], certificate["gaps"]) == (True, [], [])
    assert certificate["accounts_proven"] == certificate["accounts_enumerated"] > 0
    assert told["coverage"]["is_complete"] is True
    assert told["coverage"]["note"].startswith("proven complete from ")
    since, until = (datetime.fromisoformat(certificate[name]) for name in ("since", "proven_until"))
    assert (until - since).days == 2
    # The chain begins within two years: before its first block nobody proves anything.
    deeper, _ = home.told(wallet)
    assert deeper["certificates"][0]["is_complete"] is False
    assert "not proven" in deeper["coverage"]["note"]
    report, _ = home.run(wallet, "--stored", "--days", "2")
    assert f"certificate of {wallet}: complete" in report.stdout


def test_a_transaction_that_the_node_leaves_out_shows_in_the_balances(
    chain: Chain, home: Home, server: EmbeddedPostgres, tmp_path: Path
) -> None:
    wallet = busiest(chain)
    whole, _ = home.told(wallet)
    assert whole["certificates"][0]["balance_gaps"] == 0
    own = sorted(chain.by_wallet[wallet], key=chain.slots.__getitem__)
    hidden = own[len(own) // 2]
    shutil.copytree(chain.folder, tmp_path / "part", ignore=shutil.ignore_patterns(f"{hidden}.json"))
    with Processes(tmp_path / "node", {}) as processes:
        node = start_node(processes, tmp_path / "part", speed=0)
        environment = {**home.environment, "RPC_PRIMARY": node.http_url, "OOF_HOME": str(tmp_path / "other")}
        environment["DATABASE_URL"] = new_database(server)
        result = CliRunner(env=environment).invoke(analyze, [wallet, "--days", "30", "--json"])
    [certificate] = json.loads(result.stdout)["certificates"]
    assert certificate["balance_gaps"] > 0
    assert not certificate["is_complete"]
    assert any("balances do not go on" in reason for reason in certificate["reasons"])


class Refusing(BaseHTTPRequestHandler):
    """An endpoint that lets nobody in."""

    def do_POST(self) -> None:
        self.send_error(401)

    def log_message(self, *_words: object) -> None:
        pass


def test_a_node_that_lets_us_in_no_more_is_one_line_that_says_how_to_go_on(home: Home, chain: Chain) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as refusing:
        threading.Thread(target=refusing.serve_forever, daemon=True).start()
        home.environment["RPC_PRIMARY"] = f"http://127.0.0.1:{refusing.server_port}/?api-key=secret"
        result, _ = home.run(busiest(chain), exit_code=1)
        refusing.shutdown()
    [line] = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert "--stored tells what is stored" in line
    assert "secret" not in result.output


def test_a_ceiling_ends_a_run_partially_and_the_same_command_goes_on_to_the_whole(chain: Chain, home: Home) -> None:
    wallet = busiest(chain)
    fetched, told = 0, None
    for _run in range(COUNT):
        result, calls = home.run(wallet, "--max-tx", "7", "--json")
        told = json.loads(result.stdout)
        assert calls["getTransaction"] <= 7
        fetched += calls["getTransaction"]
        assert told["certificates"][0]["transactions"] <= fetched
        if not told["is_partial"]:
            break
        assert "partial: max_tx reached; the same command goes on from here" in result.stderr
        assert told["ceilings_hit"] == ["max_tx"]
        assert not told["certificates"][0]["is_complete"]
        assert calls["getTransaction"] > 0
    assert told is not None
    assert fetched >= len(chain.by_wallet[wallet])
    with_again, _ = home.told(wallet, "--again")
    assert with_again["summary"] == told["summary"]
    assert with_again["episodes"] == told["episodes"]


def test_with_a_millisecond_of_processor_every_continuation_gets_further_until_all_is_told(
    chain: Chain, home: Home
) -> None:
    settings = load_settings(home.environment)
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    wallet = busiest(chain)
    whole = AnalysisRequest(wallets=(wallet,))
    request: AnalysisRequest | None = msgspec.structs.replace(whole, ceilings=Ceilings(max_cpu_ms=1))
    told, progress = [], []
    while request is not None:
        heard: list[tuple[str, int, int]] = []
        outcome = run_analysis(settings, url, request, on_progress=lambda *row, said=heard: said.append(row))
        assert list(dict.fromkeys(stage for stage, _done, _total in heard))[-4:] == [
            "days", "wallets", "analysis", "certificates",
        ]  # fmt: skip
        assert all(done <= total or not total for _stage, done, total in heard)
        request = outcome.continuation
        assert outcome.is_partial == (outcome.ceilings_hit == ("max_cpu_ms",)) == (request is not None)
        days = len(ParquetStore(settings.store).days("actions"))
        [certificate] = outcome.certificates
        assert certificate.is_complete is False
        proven = certificate.accounts_enumerated, certificate.accounts_proven
        progress.append((certificate.listed_transactions, -certificate.waiting, days, *proven))
        told.append(outcome)
        assert len(told) < 3 * COUNT
    assert len(told) > len(ParquetStore(settings.store).days("actions")) > 2
    assert all(after > before for before, after in itertools.pairwise(progress))
    unbounded = run_analysis(settings, url, whole)
    assert unbounded.calls.get("getTransaction", 0) == 0
    assert (unbounded.analysis, unbounded.left_behind) == (told[-1].analysis, [])
    assert told[-1].analysis.events > told[0].analysis.events


def test_it_runs_beside_a_feed_from_a_node_and_from_a_folder(chain: Chain, home: Home) -> None:
    loop = asyncio.new_event_loop()
    home.run(busiest(chain), "--max-signatures", "3", "--json")
    feed = PostgresInbox(lambda: home.environment["DATABASE_URL"])
    loop.run_until_complete(feed.__aenter__())
    try:
        told, _ = home.told(busiest(chain))
        assert told["certificates"][0]["transactions"] >= len(chain.by_wallet[busiest(chain)])
        result, _ = home.run(busiest(chain), "--recorded", str(chain.folder), "--json")
        assert f"{COUNT:,} listed" in result.stderr
    finally:
        loop.run_until_complete(feed.__aexit__())
        loop.close()


def test_with_stored_nobody_is_asked_and_a_wallet_nobody_knows_is_told_as_such(chain: Chain, home: Home) -> None:
    wallet = busiest(chain)
    result, calls = home.run(wallet, "--stored", "--json", exit_code=1)
    assert calls == Counter()
    assert f"WALLET: nothing is stored of {wallet}" in result.stderr
    # Nothing is on the chain of somebody else, and that is known once it was listed.
    home.run(wallet, "--json")
    stranger = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"
    result, _ = home.run(stranger, "--days", "2", "--json")
    told = json.loads(result.stdout)
    assert f"nothing is stored of {stranger}" in result.stderr
    assert (told["certificates"][0]["is_complete"], told["certificates"][0]["transactions"]) == (True, 0)


def test_of_a_wallet_that_did_nothing_of_late_just_that_is_told(chain: Chain, home: Home) -> None:
    newest = {wallet: max(map(chain.slots.__getitem__, own)) for wallet, own in chain.by_wallet.items()}
    wallet = min(newest, key=newest.__getitem__)
    assert newest[wallet] < max(chain.slots.values()) - 300_000
    # All that is stored is older than what is asked for next.
    first, _ = home.told(wallet)
    told, calls = home.told(wallet, "--days", "1", "--again")
    assert calls["getTransaction"] == 0
    [certificate] = told["certificates"]
    since, as_of = (datetime.fromisoformat(certificate[name]) for name in ("since", "as_of"))
    assert (as_of - since).days == 1
    assert told["coverage"]["since"] == certificate["since"]
    assert (certificate["is_complete"], certificate["transactions"]) == (True, 0)
    assert datetime.fromisoformat(first["as_of"]) < since
    assert told["summary"]["trades"] == 0

    until = datetime.fromisoformat(told["as_of"]) - timedelta(minutes=1)
    then, _ = home.told(wallet, "--days", "1", "--as-of", until.isoformat())
    assert datetime.fromisoformat(then["as_of"]) == until
    assert datetime.fromisoformat(then["certificates"][0]["since"]) == until - timedelta(days=1)


def test_what_was_asked_for_later_proves_nothing_of_an_instant_before_it(chain: Chain, home: Home) -> None:
    wallet = busiest(chain)
    home.told(neighbour(chain, wallet))
    told, _ = home.told(wallet, "--days", "1")
    [certificate] = told["certificates"]
    assert certificate["is_complete"] is True
    before = datetime.fromisoformat(certificate["since"]) - timedelta(minutes=1)
    # What the two have in common is stored, and the rest of that time was never asked for.
    earlier, _ = home.told(wallet, "--stored", "--as-of", before.isoformat())
    [certificate] = earlier["certificates"]
    assert certificate["transactions"] > 0
    assert (certificate["is_complete"], certificate["since"]) == (False, None)


def test_an_instant_in_the_past_is_asked_for_no_deeper_than_within_reach(chain: Chain, home: Home) -> None:
    settings = load_settings(home.environment)
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    wallet = busiest(chain)
    newest = run_analysis(settings, url, AnalysisRequest(wallets=(wallet,), days=1)).analysis.as_of
    past = AnalysisRequest(wallets=(wallet,), days=2, as_of=newest - timedelta(days=2), reach_days=3)
    outcome = run_analysis(settings, url, past)
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        [(since, tip_at)] = connection.execute(
            "select s.since_ts, c.to_ts from wallet_listings s join wallet_coverage c using (wallet) where c.account = wallet"
        ).fetchall()
    assert tip_at - since == timedelta(days=3)
    assert [one.since for one in outcome.certificates] == [since]
    # Of what lies wholly behind it, what is stored is told, and nothing is claimed.
    behind = run_analysis(settings, url, msgspec.structs.replace(past, reach_days=1))
    [certificate] = behind.certificates
    assert (certificate.is_complete, certificate.since) == (False, behind.analysis.as_of - timedelta(days=2))


def test_an_endpoint_of_another_cluster_is_refused(home: Home, chain: Chain) -> None:
    home.environment["SOLANA_CLUSTER"] = "devnet"
    result, calls = home.run(busiest(chain), exit_code=1)
    assert "SOLANA_CLUSTER: the endpoint's genesis hash" in result.stderr
    assert calls["getTransaction"] == 0
