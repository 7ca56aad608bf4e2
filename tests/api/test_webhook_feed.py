"""A webhook as the only source, over real processes and a recorded node: what is true is stored, what is forged is not."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
from api_process import ROUTE, SECRET, running_api
from api_world import signature_of

from oof_pipelines.settings import REPOSITORY_ROOT
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.recorded_node.process import NodeProcess, start_node_process
from oof_pipelines.testing.synthetic_chain import SyntheticTransaction, generate, write_chain

SEED, TRANSACTIONS = 5, 60
WAIT_SECONDS = 60.0


@contextmanager
def feed(home: Path, node: NodeProcess, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`oof follow` that hears nothing by itself, ended politely."""
    ours = ("DATABASE_URL", "OOF_", "RPC_", "SOLANA_", "HELIUS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    settings = {"OOF_HOME": str(home), "OOF_STORE": str(log.parent / "store"), "OOF_SOURCES": "webhook"}
    endpoints = {"RPC_PRIMARY": node.http_url, "RPC_WS": node.ws_url, "RPC_REQUESTS_PER_SECOND": "1000"}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "oof_pipelines", "follow", "--json-logs"],
            env={**kept, **settings, **endpoints, "PYTHONPATH": str(REPOSITORY_ROOT)},
            cwd=log.parent,
            stdout=file,
            stderr=file,
        )
    try:
        yield process
        process.terminate()
        assert process.wait(20) == 0, log.read_text(encoding="utf-8")
    finally:
        process.kill()
        process.wait(10)


def wait_for(is_so: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline_s = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < deadline_s, log.read_text(encoding="utf-8")
        time.sleep(0.1)


def raw(transaction: SyntheticTransaction, slot: int) -> dict[str, object]:
    entry: dict[str, object] = msgspec.json.decode(transaction.to_json_bytes("json"))
    return entry | {"slot": slot, "indexWithinBlock": 3}


@pytest.mark.timeout(240)
def test_what_a_webhook_tells_of_is_fetched_verified_and_finalised(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    chain = tmp_path / "chain"
    write_chain(chain, seed=SEED, transaction_count=TRANSACTIONS)
    transactions = list(generate(SEED, TRANSACTIONS))
    home = Path(os.path.realpath(tmp_path)) / "home"
    server = EmbeddedPostgres(home)
    log = tmp_path / "feed.log"
    try:
        with (
            running_api(home, tmp_path / "api.log") as api,
            start_node_process(chain, log=tmp_path / "node.log") as node,
            feed(home, node, log) as follower,
            psycopg.connect(server.url, autocommit=True, connect_timeout=10) as connection,
        ):

            def count(query: str) -> int:
                row = connection.execute(query).fetchone()  # type: ignore[call-overload]
                assert row is not None
                return int(row[0])

            def post(entries: list[dict[str, object]]) -> None:
                response = httpx.post(api.address + ROUTE, json=entries, headers={"Authorization": SECRET}, timeout=20)
                assert response.json() == {"accepted": len(entries), "refused": 0}

            last_slot = transactions[-1].slot
            # Slots are a sender's word: some are right, some are long past, some are still to come.
            told = (0, 1, last_slot + 1_000, last_slot + 4_000_000)
            post([{"signature": signature_of(f"forged {slot}"), "slot": slot} for slot in told])
            post([raw(one, one.slot if n % 2 else told[n // 2 % 4]) for n, one in enumerate(transactions)])
            post([raw(one, one.slot) for one in transactions[:20]])
            final = "select count(*) from tx_raw where is_final"
            wait_for(lambda: count(final) == TRANSACTIONS, follower, log)
            rows = connection.execute("select sig, slot from tx_raw order by sig").fetchall()
            assert rows == sorted((one.signature, one.slot) for one in transactions)
            assert count("select count(*) from fetch_queue where source = 'webhook'") == len(told)
            assert count("select count(*) from feed_checkpoints") == 0
            health = httpx.get(f"{api.address}/v1/health", timeout=10).json()
            assert health["checks"]["feed"]["status"] == "ok"

            # Two minutes later the forged ones are given up, but for the one whose slot is not final yet.
            connection.execute("update fetch_queue set queued_at = queued_at - interval '3 minutes'")
            refused = "select count(*) from quarantine where reason = 'not_found'"
            wait_for(lambda: count(refused) >= len(told) - 1, follower, log)
            gone = {row[0] for row in connection.execute("select signature from quarantine").fetchall()}
            assert gone >= {signature_of(f"forged {slot}") for slot in told if slot != last_slot + 1_000}
            # Told of again it is looked for again; a stored one is not.
            post([raw(transactions[0], 1), {"signature": signature_of("forged 0"), "slot": 0}])
            assert count(f"select count(*) from fetch_queue where signature = '{signature_of('forged 0')}'") == 1
            assert count(f"select count(*) from fetch_queue where signature = '{transactions[0].signature}'") == 0
    finally:
        server.erase()
    asked = [
        line for line in (tmp_path / "node.log").read_text(encoding="utf-8").splitlines() if "getTransaction" in line
    ]
    assert sum(transactions[0].signature in line for line in asked) <= 1
