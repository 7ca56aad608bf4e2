"""`oof follow` against endpoints that do not serve: what it says, how soon, and whether it goes on."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from oof_pipelines.chain.slot_clock import GENESIS_HASHES
from oof_pipelines.settings import REPOSITORY_ROOT
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

KEY = "a-very-secret-key"
_STARTUP_SECONDS = 20


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home everyone may enter, with a running, migrated server; erased at the end."""
    folder = Path(tempfile.mkdtemp(prefix="oof-t-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "home")
    migrate(server.start(), REPOSITORY_ROOT / "sql" / "migrations")
    yield folder / "home"
    server.erase()
    shutil.rmtree(folder)


@contextmanager
def follow(home: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """`oof follow` as a process of its own, killed at the end."""
    names = ("DATABASE_URL", "OOF_STORE", "RPC_PRIMARY", "RPC_SECONDARY", "RPC_WS", "OOF_FOLLOW", "SOLANA_CLUSTER")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    process = subprocess.Popen(
        [sys.executable, "-m", "oof_pipelines", "follow", "--line-logs"],
        env={**kept, "OOF_HOME": str(home), "PYTHONPATH": str(REPOSITORY_ROOT), **settings},
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
        if process.stderr is not None:
            process.stderr.close()


@contextmanager
def serving(status: int, body: bytes, silence_seconds: float = 0.0) -> Iterator[str]:
    """An HTTP server that gives one answer to everything; its address holds a key."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            time.sleep(silence_seconds)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/{KEY}"
    server.shutdown()
    server.server_close()


def lines_until(process: subprocess.Popen[str], *words: str) -> tuple[list[str], float]:
    """Lines of the log until each of `words` was in one; and how many seconds passed since the first line."""
    assert process.stderr is not None
    watchdog = threading.Timer(_STARTUP_SECONDS, process.kill)
    watchdog.start()
    lines: list[str] = []
    began_s = time.monotonic()
    for line in process.stderr:
        began_s = began_s if lines else time.monotonic()
        lines.append(line)
        if all(any(word in heard for heard in lines) for word in words):
            watchdog.cancel()
            return lines, time.monotonic() - began_s
    pytest.fail(f"ended, and never said {words}: {''.join(lines)}")


def test_dead_endpoints_are_named_and_tried_on(home: Path) -> None:
    dead = f"http://127.0.0.1:9/v2/{KEY}"
    with follow(home, RPC_PRIMARY=dead, RPC_SECONDARY=f"{dead}?key={KEY}") as process:
        lines, seconds = lines_until(process, "setting=RPC_PRIMARY", "setting=RPC_SECONDARY", "genesis hash")
        assert seconds < 2
        assert process.poll() is None, "it goes on"
    assert all("warning: " in line for line in lines)
    assert any("Connection refused" in line for line in lines)
    assert KEY not in "".join(lines)


def test_a_silent_endpoint_is_named_long_before_the_timeout(home: Path) -> None:
    with serving(200, b"{}", silence_seconds=5) as url, follow(home, RPC_PRIMARY=url) as process:
        lines, _ = lines_until(process, "genesis hash")
    assert "RPC_PRIMARY http://127.0.0.1:" in lines[-1]
    assert KEY not in "".join(lines)


def test_a_web_page_is_named(home: Path) -> None:
    with serving(200, b"<html>welcome</html>") as url, follow(home, RPC_PRIMARY=url) as process:
        lines, _ = lines_until(process, "web page")
    assert "setting=RPC_PRIMARY" in lines[0]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"RPC_PRIMARY": f"ftp://host/{KEY}"}, "Error: RPC_PRIMARY: not an address of the form http://… or https://…"),
        ({"RPC_PRIMARY": f"ws://host/{KEY}"}, "Error: RPC_PRIMARY: not an address of the form http://… or https://…"),
        ({"RPC_WS": f"https://host/{KEY}"}, "Error: RPC_WS: not an address of the form ws://… or wss://…"),
        ({}, "Error: RPC_PRIMARY: no endpoint is set"),
    ],
)
def test_a_wrong_scheme_is_one_line(home: Path, settings: dict[str, str], said: str) -> None:
    with follow(home, **settings) as process:
        _, text = process.communicate(timeout=_STARTUP_SECONDS)
    assert (process.returncode, text.startswith(said), text.count("\n")) == (1, True, 1), text


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"", "HTTP 401: the endpoint does not let us in"),
        (403, b"<html>no</html>", "HTTP 403: the endpoint does not let us in"),
        (404, b"<html>no</html>", "HTTP 404: no JSON-RPC at this address"),
        (200, b'{"error":{"code":-32601,"message":"Method not found"}}', "getGenesisHash is refused: Method not found"),
        (
            200,
            f'{{"result":"{GENESIS_HASHES["devnet"]}"}}'.encode(),
            "SOLANA_CLUSTER: the endpoint's genesis hash",
        ),
    ],
)
def test_an_endpoint_that_refuses_ends_the_start_with_one_error(
    home: Path, status: int, body: bytes, said: str
) -> None:
    with serving(status, body) as url, follow(home, RPC_PRIMARY=url) as process:
        _, text = process.communicate(timeout=_STARTUP_SECONDS)
    (error,) = [line for line in text.splitlines() if line.startswith("Error: ")]
    assert process.returncode == 1
    assert said in error
    assert "RPC_PRIMARY" in error or "SOLANA_CLUSTER" in error
    assert KEY not in text
    assert "Traceback" not in text
