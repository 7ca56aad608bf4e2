"""What the log says of endpoints in trouble: soon, seldom, with the setting's name and without the key."""

import asyncio
import logging
import random
import socket
import ssl
from typing import Any

import pytest
from aiohttp import web
from leaping_clock import LeapingClock

from oof_pipelines.interfaces import SourceUnavailableError
from oof_pipelines.settings import SecretUrl
from oof_pipelines.transport.rpc import EndpointsRefuseUsError, RpcClient
from oof_pipelines.transport.trouble import TroubleReport, reason_of

KEY = "a-very-secret-key"


def ask(*urls: SecretUrl, clock: LeapingClock) -> None:
    async def scenario() -> None:
        async with RpcClient(
            urls, requests_per_second=1000, timeout_seconds=2.0, clock=clock, randomness=random.Random(1)
        ) as rpc:
            await rpc.call("getSlot", [])

    asyncio.run(scenario())


def warnings(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [record for record in caplog.records if record.levelno == logging.WARNING]


def test_dead_endpoints_are_named_soon_and_seldom(caplog: pytest.LogCaptureFixture) -> None:
    clock = LeapingClock()
    warned_at: dict[str, list[float]] = {}

    class Times(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warned_at.setdefault(vars(record)["setting"], []).append(clock.now_s)

    logger = logging.getLogger("oof_pipelines.transport.trouble")
    times = Times()
    logger.addHandler(times)
    names = ("RPC_PRIMARY", "RPC_SECONDARY")
    urls = [SecretUrl(f"http://127.0.0.1:1/{KEY}", name) for name in names]
    try:
        for _ in range(3):
            with pytest.raises(SourceUnavailableError, match="RPC_"):
                ask(*urls, clock=clock)
    finally:
        logger.removeHandler(times)
    assert clock.now_s > 100
    for name in names:
        assert warned_at[name][0] <= 2
    for record in warnings(caplog):
        assert record.reason == "no answer (ConnectError: Connection refused)"
    assert KEY not in caplog.text
    assert KEY not in "".join(str(vars(record)) for record in caplog.records)


def test_warnings_are_a_minute_apart_and_a_passing_failure_is_none(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = LeapingClock()
    report = TroubleReport(SecretUrl(f"http://host/{KEY}", "RPC_PRIMARY"), clock)
    for _ in range(1_000):
        report.failed("HTTP 429", is_plain=False)
        report.answered()
        clock.now_s += 5
    assert caplog.records == []
    for _ in range(1_810):
        report.failed("HTTP 500", is_plain=False)
        clock.now_s += 0.1
    assert [record.getMessage() for record in caplog.records] == ["endpoint fails, trying on"] * 4
    report.answered()
    report.answered()
    assert caplog.records[-1].getMessage() == "endpoint answers again"
    assert len(caplog.records) == 5


@pytest.mark.parametrize(
    ("status", "body", "headers", "reason"),
    [
        (401, "who?", {}, "HTTP 401: the endpoint does not let us in"),
        (403, "<html>", {}, "HTTP 403: the endpoint does not let us in"),
        (404, "<html>", {}, "HTTP 404: no JSON-RPC at this address"),
        (
            301,
            "",
            {"Location": f"https://elsewhere/{KEY}"},
            "HTTP 301: it points elsewhere; set the address it points to",
        ),
        (200, " <!doctype html>", {}, "the answer is a web page, not JSON-RPC (is it the endpoint's address?)"),
    ],
)
def test_what_waiting_hardly_mends_is_said_at_once(
    status: int, body: str, headers: dict[str, str], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=status, text=body, headers=headers)

    async def scenario() -> None:
        application = web.Application()
        application.router.add_post("/{tail:.*}", answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = SecretUrl(f"http://127.0.0.1:{runner.addresses[0][1]}/{KEY}", "RPC_SECONDARY")
        clock = LeapingClock()
        options: dict[str, Any] = {"requests_per_second": 1000, "timeout_seconds": 2.0, "give_up_seconds": 1.0}
        try:
            async with RpcClient([url], clock=clock, randomness=random.Random(1), **options) as rpc:
                with pytest.raises(SourceUnavailableError) as raised:
                    await rpc.call("getSlot", [])
        finally:
            await runner.cleanup()
        assert str(raised.value) == f"getSlot at {url.named}: {reason}"
        assert isinstance(raised.value, EndpointsRefuseUsError) == (status != 200)

    asyncio.run(scenario())
    first = warnings(caplog)[0]
    assert (first.setting, first.reason) == ("RPC_SECONDARY", reason)
    assert asked == 1 or status == 200
    assert KEY not in "".join(str(vars(record)) for record in caplog.records)


def test_a_reason_holds_words_of_the_system_alone() -> None:
    refused = RuntimeError(f"cannot connect to https://host/{KEY}")
    refused.__cause__ = ExceptionGroup("several", [ConnectionRefusedError(111, "Connection refused")])
    assert reason_of(refused) == "RuntimeError: Connection refused"
    assert reason_of(ValueError(KEY)) == "ValueError"
    assert reason_of(OSError(f"{KEY} in a message of its own")) == "OSError"
    unknown = socket.gaierror(-2, "Name or service not known")
    assert reason_of(unknown) == "gaierror: Name or service not known"
    itself = ValueError("a circle")
    itself.__context__ = OSError("of errors")
    itself.__context__.__context__ = itself
    assert reason_of(itself) == "ValueError"


def test_tls_to_a_plain_port_says_so() -> None:
    async def scenario() -> str:
        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            try:
                await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context())
            except ssl.SSLError as error:
                return reason_of(error)
        raise AssertionError("no TLS there")

    assert "http://" in asyncio.run(scenario())
