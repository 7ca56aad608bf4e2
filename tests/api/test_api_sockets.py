"""The real `oof api` on a real socket: bodies that are slow, huge, cut off or forged, and how it ends."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
import uvicorn
from api_process import ROUTE, SECRET, Api, answer_of, request_head, running_api
from api_world import SLOT, hint, signature_of
from uvicorn.server import ServerState

from oof_pipelines.api.server import MOST_HEAD_BYTES, BoundedProtocol
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

MOST_BYTES = 300_000


@pytest.fixture(scope="module")
def api(api_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    log = tmp_path_factory.mktemp("api") / "api.log"
    with running_api(api_home, log, OOF_WEBHOOK_MOST_BYTES=str(MOST_BYTES)) as running:
        yield running


@pytest.fixture(autouse=True)
def still_well(api: Api) -> Iterator[None]:
    """After each test it answers others as before, and its memory has not grown out of bounds."""
    yield
    assert httpx.get(f"{api.address}/v1/health", timeout=10).status_code == 200
    status = Path(f"/proc/{api.process.pid}/status").read_text(encoding="ascii")
    resident_kb = int(status.split("VmRSS:")[1].split()[0])
    assert resident_kb < 400_000


def queued(api_home: Path) -> dict[str, tuple[str, int]]:
    with psycopg.connect(EmbeddedPostgres(api_home).url, connect_timeout=10) as connection:
        rows = connection.execute("select signature, source, slot from fetch_queue").fetchall()
    return {signature: (source, slot) for signature, source, slot in rows}


def post(api: Api, body: object, secret: str = SECRET) -> httpx.Response:
    return httpx.post(api.address + ROUTE, json=body, headers={"Authorization": secret}, timeout=10)


def test_what_is_answered_with_200_is_in_the_database(api: Api, api_home: Path) -> None:
    response = post(api, [hint("a"), hint("b", SLOT + 1)])
    assert (response.status_code, response.json()) == (200, {"accepted": 2, "refused": 0})
    assert post(api, [hint("a")]).status_code == 200
    rows = queued(api_home)
    assert rows[signature_of("a")] == ("webhook", SLOT)
    assert rows[signature_of("b")] == ("webhook", SLOT + 1)
    assert "server" not in response.headers


def test_a_stranger_is_answered_before_he_has_sent_his_body(api: Api, api_home: Path) -> None:
    with api.connect() as connection:
        connection.sendall(request_head(10**9, secret="close sesame"))
        status, answer = answer_of(connection)
    assert status == 401
    assert b"connection: close" in answer
    assert post(api, [hint("forged")], "x" * 8_000).status_code == 401
    assert signature_of("forged") not in queued(api_home)


def test_a_body_that_says_it_is_too_large_is_not_waited_for(api: Api) -> None:
    with api.connect() as connection:
        connection.sendall(request_head(MOST_BYTES + 1))
        assert answer_of(connection)[0] == 413
    with api.connect() as connection:
        connection.sendall(request_head(10**30))
        assert answer_of(connection)[0] in (400, 413)


def test_a_body_without_an_end_is_cut_off(api: Api) -> None:
    with api.connect() as connection:
        connection.sendall(request_head(None))
        sent = 0
        chunk = b"10000\r\n" + b"[" * 0x10000 + b"\r\n"
        try:
            while sent < 100 * MOST_BYTES:
                connection.sendall(chunk)
                sent += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 50 * MOST_BYTES, "it went on reading"


def test_bodies_that_lie_about_their_length_do_no_harm(api: Api, api_home: Path) -> None:
    body = json.dumps([hint("short")]).encode()
    with api.connect() as connection:
        connection.sendall(request_head(len(body) + 10) + body)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(15)
        assert answer_of(connection)[0] in (0, 400, 408)
    assert signature_of("short") not in queued(api_home)
    with api.connect() as connection:
        # What is left over is no request of anybody.
        connection.sendall(request_head(2) + b"[]" + b"GARBAGE" * 10 + b"\r\n\r\n")
        _, answer = answer_of(connection)
    assert b"HTTP/1.1 400" in answer
    assert answer.count(b"HTTP/1.1 ") <= 2


def test_forged_and_nonsensical_bodies_leave_nothing(api: Api, api_home: Path) -> None:
    before = queued(api_home)
    bodies = [b"[" * 200_000, b'{"a":' * 40_000, b"\x00" * 100, b"[1]", b'"' + b"a" * 1_000 + b'"', b"\xff" * 50]
    bodies += [json.dumps([{"signature": "not one", "slot": 1}]).encode()]
    bodies += [json.dumps([hint("f", 2**63)]).encode(), json.dumps([hint("f", 10**15)]).encode()]
    for body in bodies:
        response = httpx.post(api.address + ROUTE, content=body, headers={"Authorization": SECRET}, timeout=10)
        assert (response.status_code, response.json()["error"]["code"]) == (400, "not_transactions")
    assert queued(api_home) == before


def test_heads_and_bodies_that_do_not_come_are_not_waited_for(api: Api) -> None:
    """All at once, for each takes as long as a sender is given."""
    begun = {
        "nothing": b"",
        "a line": b"\r\n",
        "half a head": b"POST /webhooks/helius HTTP/1.1\r\nHost: api\r\nX-Slow: ",
        "half a second head": request_head(2) + b"[]POST /",
        "half a body": request_head(1_000),
    }
    began_s = time.monotonic()
    with ThreadPoolExecutor(len(begun)) as threads:
        ended = {name: threads.submit(trickle, api, first) for name, first in begun.items()}
        answers = {name: answer.result() for name, answer in ended.items()}
    assert 5 < time.monotonic() - began_s < 25
    assert (answers["nothing"], answers["a line"]) == ((0, b""), (0, b""))
    assert answers["half a head"][0] == 408
    assert b'"code":"head_too_slow"' in answers["half a head"][1]
    assert [part[:3] for part in answers["half a second head"][1].split(b"HTTP/1.1 ")[1:]] == [b"200", b"408"]
    assert answers["half a body"][0] == 408
    assert b'"code":"body_too_slow"' in answers["half a body"][1]


def trickle(api: Api, first: bytes) -> tuple[int, bytes]:
    """What is answered to `first` followed by a byte now and then."""
    with api.connect() as connection:
        connection.sendall(first)
        stop = threading.Event()

        def drip() -> None:
            while len(first) > 2 and not stop.wait(0.5):
                try:
                    connection.sendall(b"a")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            return answer_of(connection)
        finally:
            stop.set()
            dripping.join()


def test_a_head_without_an_end_is_refused(api: Api) -> None:
    with api.connect() as connection:
        connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: api\r\n")
        sent = 0
        try:
            while sent < 20 * MOST_HEAD_BYTES:
                connection.sendall(b"X-More: " + b"a" * 1_000 + b"\r\n")
                sent += 1_010
                time.sleep(0.001)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 20 * MOST_HEAD_BYTES, "it went on reading"


def test_no_http_is_answered_in_the_same_shape(api: Api) -> None:
    with api.connect() as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this is TLS\r\n\r\n")
        status, answer = answer_of(connection)
    assert status == 400
    assert b'{"error":{"code":"bad_request"' in answer


def test_a_pipeline_of_requests_is_answered_in_order(api: Api) -> None:
    body = json.dumps([hint("piped")]).encode()
    last = b"GET /nowhere HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n"
    with api.connect() as connection:
        connection.sendall((request_head(len(body)) + body) * 3 + last)
        _, answer = answer_of(connection)
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"200", b"404"]


def test_secrets_and_bodies_are_not_in_the_log(api: Api) -> None:
    post(api, [hint("logged")], SECRET + "-not-quite")
    httpx.get(f"{api.address}/v1/nowhere?key=in-the-query", timeout=10)
    text = api.log.read_text(encoding="utf-8")
    assert SECRET not in text
    assert "in-the-query" not in text
    assert signature_of("logged") not in text
    last = api.events()[-1]
    assert {last["status"], last["route"], last["method"]} == {404, "other", "GET"}
    assert len(str(last["request_id"])) == 16


def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Transport:
        written = b""
        is_closed = False

        def write(self, data: bytes) -> None:
            self.written += data

        def close(self) -> None:
            self.is_closed = True

        def is_closing(self) -> bool:
            return self.is_closed

        def get_extra_info(self, _name: str) -> None:
            return None

    monkeypatch.setattr("oof_pipelines.api.server.MOST_CONNECTIONS", 1)

    async def app(_scope: object, _receive: object, _send: object) -> None:
        return None

    async def scenario() -> list[Transport]:
        state, transports = ServerState(), [Transport(), Transport()]
        for transport in transports:
            protocol = BoundedProtocol(uvicorn.Config(app, log_config=None), state, {})
            protocol.connection_made(transport)  # type: ignore[arg-type]
            protocol.data_received(b"")
            protocol._stop_waiting()
        return transports

    first, second = asyncio.run(scenario())
    assert not first.is_closed
    assert second.is_closed
    assert second.written.startswith(b"HTTP/1.1 503 ")
