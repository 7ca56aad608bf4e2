"""Runs a recorded-chain node as a process of its own."""

import contextlib
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_STOP_SECONDS = 10.0


class NodeStartError(RuntimeError):
    """The node did not come up; the message holds what it wrote to stderr."""


@dataclass(slots=True)
class NodeProcess:
    """A running node: its two addresses, the line it started with, and its process."""

    http_url: str
    ws_url: str
    start_line: str
    process: "subprocess.Popen[bytes]"

    @property
    def geyser_url(self) -> str:
        """Where its Geyser stream is; empty where it serves none."""
        return self.start_line.partition(" geyser=")[2]

    def stop(self) -> int:
        """End the node, politely first; the exit code. Stopping twice is harmless."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait(_STOP_SECONDS)


@contextlib.contextmanager
def start_node_process(
    directory: Path,
    *,
    speed: float = 0,
    faults: str | None = None,
    seed: int = 0,
    log: Path | None = None,
    genesis: str | None = None,
    port: int = 0,
    start_timeout_seconds: float = 60.0,
    more: Sequence[str] = (),
) -> Iterator[NodeProcess]:
    """A node over `directory` that runs until the block ends; raises `NodeStartError` where it does not come up.

    `more` are further options of `oof node`.
    """
    command = [sys.executable, "-m", "oof_pipelines", "node", str(directory), "--port", str(port)]
    command += ["--speed", str(speed), "--seed", str(seed), *more]
    for option, value in (("--faults", faults), ("--log", log), ("--genesis", genesis)):
        if value is not None:
            command += [option, str(value)]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        try:
            line = _read_start_line(process, start_timeout_seconds)
            if not line.startswith("node: "):
                errors.seek(0)
                raise NodeStartError(f"the node did not start: {errors.read().decode(errors='replace').strip()}")
            http_url, ws_url = line.split()[1:3]
            running = NodeProcess(http_url, ws_url, line, process)
            yield running
        finally:
            if process.poll() is None:
                NodeProcess("", "", "", process).stop()
            if process.stdout is not None:
                process.stdout.close()


def _read_start_line(process: "subprocess.Popen[bytes]", timeout_seconds: float) -> str:
    if process.stdout is None:
        raise NodeStartError("the node has no stdout to read")
    deadline_seconds = time.monotonic() + timeout_seconds
    while (left_seconds := deadline_seconds - time.monotonic()) > 0:
        readable, _, _ = select.select([process.stdout], [], [], left_seconds)
        if readable:
            return process.stdout.readline().decode().strip()
    return ""
