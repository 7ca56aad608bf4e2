"""`oof api` as a process of its own, and sockets that speak to it byte by byte."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from oof_pipelines.settings import REPOSITORY_ROOT

SECRET = "open sesame"
ROUTE = "/webhooks/helius"
_START_SECONDS = 40.0
_OURS = ("DATABASE_URL", "OOF_", "RPC_", "SOLANA_", "HELIUS_")


@dataclass
class Api:
    """A running API: where it is, its process, and where it writes."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def events(self) -> list[dict[str, object]]:
        """The lines of its log."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


@contextmanager
def running_api(home: Path, log: Path, **settings: str) -> Iterator[Api]:
    """`oof api` that answers, killed at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    environment = {**kept, "OOF_HOME": str(home), "OOF_API_PORT": str(port), "PYTHONPATH": str(REPOSITORY_ROOT)}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "oof_pipelines", "api", "--json-logs"],
            env={**environment, "HELIUS_WEBHOOK_SECRET": SECRET, **settings},
            cwd=log.parent,
            stdout=file,
            stderr=file,
        )
    try:
        deadline_s = time.monotonic() + _START_SECONDS
        while True:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline_s, log.read_text(encoding="utf-8")
            try:
                httpx.get(f"http://127.0.0.1:{port}/v1/health", timeout=5)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield Api(port, process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def request_head(length: int | None, *, secret: str = SECRET, extra: str = "") -> bytes:
    """A webhook's head; without `length` the body comes in chunks."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = [f"POST {ROUTE} HTTP/1.1", "Host: api", f"Authorization: {secret}", framing]
    return ("\r\n".join(lines) + "\r\n" + extra + "\r\n").encode()


def answer_of(connection: socket.socket) -> tuple[int, bytes]:
    """Status and the rest of what comes until the connection ends; (0, b'') where it ends without a word."""
    received = b""
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    if not received:
        return 0, b""
    return int(received.split(b" ", 2)[1]), received
