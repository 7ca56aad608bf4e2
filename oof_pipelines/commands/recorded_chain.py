"""The recorded chain that stands in for an RPC endpoint: which folder it serves, and the node process over it."""

import math
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx

from oof_pipelines.commands.node import SUMMARY_PREFIX
from oof_pipelines.commands.processes import Child, Processes
from oof_pipelines.settings import REPOSITORY_ROOT, SettingsError
from oof_pipelines.testing.recorded_node.ledger import has_recording
from oof_pipelines.testing.recorded_node.recording_files import shown_path
from oof_pipelines.testing.synthetic_chain import write_chain

RECORDED_BESIDE = REPOSITORY_ROOT.parent / "shared" / "fixtures"
SYNTHETIC_TRANSACTIONS = 300
SYNTHETIC_SEED = 1
_END_SECONDS = 10.0
_ANSWER_SECONDS = 30.0
NODE_START_SECONDS = 600.0
"""Long enough to index hundreds of thousands of files (about 1,000 a second on a busy core)."""
_START_LINE = re.compile(
    r"node: (?P<http>http://\S+) (?P<ws>ws://\S+) transactions=(?P<transactions>\d+) slots=\d+ "
    r"files=(?P<files>\d+) skipped=(?P<skipped>\d+) speed=\S+(?: geyser=(?P<geyser>http://\S+))?"
)


@dataclass(frozen=True, slots=True)
class RunningNode:
    """A node that serves, how many transactions it has, and what of its files it skipped: `skips` is a line a reason.

    `geyser_url` is empty where it serves no Geyser stream.
    """

    child: Child
    http_url: str
    ws_url: str
    transaction_count: int
    file_count: int
    skipped_file_count: int
    skips: tuple[str, ...]
    geyser_url: str = ""

    def described(self) -> str:
        """What it serves, in a few words."""
        noun = "transaction" if self.transaction_count == 1 else "transactions"
        files = "file" if self.file_count == 1 else "files"
        return f"{self.transaction_count} {noun}, {self.skipped_file_count} of {self.file_count} {files} skipped" + (
            f", named in {shown_path(self.child.log)}" if self.skips else ""
        )

    def first_slot(self) -> int:
        """The first slot it has a block of."""
        request = {"jsonrpc": "2.0", "id": 1, "method": "getFirstAvailableBlock"}
        answer = httpx.post(self.http_url, json=request, timeout=_ANSWER_SECONDS, trust_env=False).json()
        return int(answer["result"])

    def environment(self) -> dict[str, str]:
        """What points a feed at it. Its budget is this machine's, not a provider's."""
        geyser = {"OOF_GEYSER_URL": self.geyser_url, "OOF_GEYSER_TOKEN": ""} if self.geyser_url else {}
        return geyser | {
            "RPC_PRIMARY": self.http_url,
            "RPC_SECONDARY": "",
            "RPC_WS": self.ws_url,
            "RPC_REQUESTS_PER_SECOND": "5000",
            "SOLANA_CLUSTER": "mainnet-beta",
        }


def check_recorded(recorded: Path | None) -> None:
    """Raise `SettingsError` where the folder named is none, or nothing in it can be served: before anything is started."""
    if recorded is None:
        return
    shown = shown_path(recorded)
    try:
        is_folder = recorded.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if not is_folder:
        raise SettingsError(f"--recorded (RECORDED): {shown} is not a folder that can be read")
    if not has_recording(recorded):
        raise SettingsError(
            f"--recorded (RECORDED): {shown} holds no recorded transaction; `oof node --name-skipped` says why of each file"
        )


def choose_recording(recorded: Path | None, home: Path) -> tuple[Path, str]:
    """The folder to serve and a word on it: the one named, else recorded data beside the checkout, else a synthetic chain."""
    if recorded is not None:
        return recorded, f"recorded transactions in {shown_path(recorded)}"
    if RECORDED_BESIDE.is_dir():
        return RECORDED_BESIDE, f"recorded transactions in {os.path.relpath(RECORDED_BESIDE)}"
    folder = home / "synthetic_chain"
    write_chain(folder, seed=SYNTHETIC_SEED, transaction_count=SYNTHETIC_TRANSACTIONS)
    return folder, f"a synthetic chain of {SYNTHETIC_TRANSACTIONS} transactions (set RECORDED=DIR for your own)"


def start_node(
    processes: Processes,
    folder: Path,
    *,
    speed: float,
    faults: str | None = None,
    seed: int = 0,
    timeout_seconds: float = NODE_START_SECONDS,
    name: str = "node",
    request_log: Path | None = None,
    announced: Path | None = None,
    has_geyser: bool = False,
) -> RunningNode:
    """Start the node on a free port and wait until it serves; `click.ClickException` with its log where it does not.

    `request_log` gets a line of JSON for each request, `announced` one for each announcement; with `has_geyser` it serves a
    Geyser stream too.
    """
    command = [sys.executable, "-m", "oof_pipelines", "node", "--port", "0", "--name-skipped"]
    command += ["--speed", str(speed), "--seed", str(seed)]
    if faults:
        command += ["--faults", faults]
    if request_log is not None:
        command += ["--log", str(request_log)]
    if announced is not None:
        command += ["--announced", str(announced)]
    if has_geyser:
        command += ["--geyser-port", "0"]
    # A folder's name may begin with a dash.
    child = processes.start(name, [*command, "--", str(folder)], is_piped=True)
    line = processes.read_line(child, timeout_seconds)
    match = _START_LINE.match(line or "")
    if match is None:
        if line == "":
            processes.wait(child, _END_SECONDS)
        raise click.ClickException(
            f"the recorded-chain node did not say where it serves within {math.ceil(timeout_seconds)} s; "
            f"it was reading {shown_path(folder)}, and its log is {shown_path(child.log)}"
        )
    skips = [text for text in child.log.read_text("utf-8", "replace").splitlines() if text.startswith(SUMMARY_PREFIX)]
    return RunningNode(
        child,
        match["http"],
        match["ws"],
        int(match["transactions"]),
        int(match["files"]),
        int(match["skipped"]),
        tuple(text.removeprefix(SUMMARY_PREFIX) for text in skips),
        match["geyser"] or "",
    )


class RecordedFolder(click.Path):
    """A folder's name; an empty one would be the working directory, which nobody means by it."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; `click.BadParameter` where there is none."""
        if value == "":
            self.fail("names no folder", param, ctx)
        return super().convert(value, param, ctx)


def recorded_option(command: click.decorators.FC) -> click.decorators.FC:
    """`--recorded DIR`, or the environment's RECORDED."""
    return click.option(
        "--recorded",
        envvar="RECORDED",
        type=RecordedFolder(),
        help="Folder of recorded transactions [env RECORDED; default: ../shared/fixtures, else a synthetic chain].",
    )(command)
