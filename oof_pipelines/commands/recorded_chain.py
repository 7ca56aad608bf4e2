"""The recorded chain that stands in for an RPC endpoint: which folder it serves, and the node process over it."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from oof_pipelines.commands.processes import Child, ChildDiedError, Processes
from oof_pipelines.settings import REPOSITORY_ROOT, SettingsError
from oof_pipelines.testing.synthetic_chain import write_chain

RECORDED_BESIDE = REPOSITORY_ROOT.parent / "shared" / "fixtures"
SYNTHETIC_TRANSACTIONS = 300
SYNTHETIC_SEED = 1
_START_LINE = re.compile(r"node: (?P<http>http://\S+) (?P<ws>ws://\S+) transactions=(?P<transactions>\d+) ")


@dataclass(frozen=True, slots=True)
class RunningNode:
    """A node that serves, and how many transactions it has."""

    child: Child
    http_url: str
    ws_url: str
    transaction_count: int

    def environment(self) -> dict[str, str]:
        """What points a feed at it. Its budget is this machine's, not a provider's."""
        return {
            "RPC_PRIMARY": self.http_url,
            "RPC_SECONDARY": "",
            "RPC_WS": self.ws_url,
            "RPC_REQUESTS_PER_SECOND": "5000",
            "SOLANA_CLUSTER": "mainnet-beta",
        }


def choose_recording(recorded: Path | None, home: Path) -> tuple[Path, str]:
    """The folder to serve and a word on it: the one named, else recorded data beside the checkout, else a synthetic chain."""
    if recorded is not None:
        if not recorded.is_dir():
            raise SettingsError(f"RECORDED: {recorded} is not a folder")
        return recorded, f"recorded transactions in {recorded}"
    if RECORDED_BESIDE.is_dir():
        return RECORDED_BESIDE, f"recorded transactions in {os.path.relpath(RECORDED_BESIDE)}"
    folder = home / "synthetic_chain"
    write_chain(folder, seed=SYNTHETIC_SEED, transaction_count=SYNTHETIC_TRANSACTIONS)
    return folder, f"a synthetic chain of {SYNTHETIC_TRANSACTIONS} transactions (set RECORDED=DIR for your own)"


def start_node(
    processes: Processes, folder: Path, *, speed: float, faults: str | None = None, seed: int = 0
) -> RunningNode:
    """Start the node on a free port and wait until it serves."""
    command = [sys.executable, "-m", "oof_pipelines", "node", str(folder), "--port", "0"]
    command += ["--speed", str(speed), "--seed", str(seed)]
    if faults:
        command += ["--faults", faults]
    child = processes.start("node", command, is_piped=True)
    assert child.process.stdout is not None
    line = child.process.stdout.readline().decode()
    match = _START_LINE.match(line)
    if match is None:
        child.process.wait(10)
        raise ChildDiedError(child)
    return RunningNode(child, match["http"], match["ws"], int(match["transactions"]))


def recorded_option(command: click.decorators.FC) -> click.decorators.FC:
    """`--recorded DIR`, or the environment's RECORDED."""
    return click.option(
        "--recorded",
        envvar="RECORDED",
        type=click.Path(path_type=Path),
        help="Folder of recorded transactions [env RECORDED; default: ../shared/fixtures, else a synthetic chain].",
    )(command)
