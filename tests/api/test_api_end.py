"""How `oof api` begins and ends: what was answered is kept, what is under way is answered, and errors name the setting."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psycopg
import pytest
from api_process import ROUTE, SECRET, answer_of, request_head, running_api
from api_world import hint, signature_of

from oof_pipelines.api.server import listening_socket
from oof_pipelines.settings import REPOSITORY_ROOT, SettingsError
from oof_pipelines.storage.postgres.server import EmbeddedPostgres


def test_at_the_end_requests_under_way_are_answered(api_home: Path, tmp_path: Path) -> None:
    url = EmbeddedPostgres(api_home).url
    body = json.dumps([hint("under way")]).encode()
    with (
        running_api(api_home, tmp_path / "api.log") as api,
        psycopg.connect(url, connect_timeout=10) as holder,
        api.connect() as committing,
        api.connect() as sending,
        api.connect() as idle,
    ):
        idle.sendall(request_head(2) + b"[]")
        answered = b""
        while b"}" not in answered:
            answered += idle.recv(1_000)
        assert answered.startswith(b"HTTP/1.1 200")
        holder.execute("lock table fetch_queue in exclusive mode")
        committing.sendall(request_head(len(body)) + body)
        sending.sendall(request_head(len(body)) + body[:10])
        time.sleep(0.3)
        api.process.terminate()
        status, answer = answer_of(sending)
        assert (status, b'"code":"stopping"' in answer) == (503, True)
        holder.rollback()
        assert answer_of(committing)[0] == 200
        assert answer_of(idle) == (0, b"")
        assert api.process.wait(20) == 0
        assert api.events()[-1]["event"] == "stopped"
    with psycopg.connect(url, connect_timeout=10) as connection:
        found = connection.execute("select 1 from fetch_queue where signature = %s", (signature_of("under way"),))
        assert found.fetchall() == [(1,)]


def test_a_database_that_hangs_is_told_to_the_sender_and_noted_as_a_gap(api_home: Path, tmp_path: Path) -> None:
    url = EmbeddedPostgres(api_home).url
    headers = {"Authorization": SECRET}
    with running_api(api_home, tmp_path / "api.log") as api:
        with psycopg.connect(url, connect_timeout=10) as holder:
            holder.execute("lock table fetch_queue")
            response = httpx.post(api.address + ROUTE, json=[hint("refused")], headers=headers, timeout=10)
            assert (response.status_code, response.json()["error"]["code"]) == (503, "database")
            assert int(response.headers["retry-after"]) > 0
        again = httpx.post(api.address + ROUTE, json=[hint("refused")], headers=headers, timeout=10)
        assert again.status_code == 200
        assert api.stop() == 0
    with psycopg.connect(url, connect_timeout=10) as connection:
        rows = connection.execute("select requests, hints from webhook_refusals where reason = 'database'").fetchall()
    assert rows == [(1, 1)]


def test_without_a_secret_it_serves_and_says_so(api_home: Path, tmp_path: Path) -> None:
    with running_api(api_home, tmp_path / "api.log", HELIUS_WEBHOOK_SECRET="") as api:
        response = httpx.post(api.address + ROUTE, json=[hint("a")], timeout=10)
        assert (response.status_code, response.json()["error"]["code"]) == (503, "webhook_off")
        checks = httpx.get(f"{api.address}/v1/health", timeout=10).json()["checks"]
        assert checks["webhook"] == {"status": "off", "detail": "off: HELIUS_WEBHOOK_SECRET is not set"}
        assert checks["migrations"]["status"] == "ok"
        assert "oof_api_requests_total" in httpx.get(f"{api.address}/metrics", timeout=10).text


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("203.0.113.1", "OOF_API_HOST: 203.0.113.1 is no address of this machine"),
        ("no such host", "OOF_API_HOST: 'no such host' is no address of this machine"),
    ],
)
def test_an_address_that_is_not_ours_is_named(host: str, expected: str) -> None:
    with pytest.raises(SettingsError, match=expected):
        listening_socket(host, 0)


def test_a_taken_port_is_one_line_and_no_traceback(api_home: Path, tmp_path: Path) -> None:
    with listening_socket("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "oof_pipelines", "api"],
            env={**os.environ, "OOF_HOME": str(api_home), "OOF_API_PORT": port, "PYTHONPATH": str(REPOSITORY_ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.strip() == f"Error: OOF_API_PORT: port {port} is taken by another program"
