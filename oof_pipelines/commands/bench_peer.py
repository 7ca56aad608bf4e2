"""`oof bench decode --peer`: the npm package solana-dex-parser over the same transactions, its speed and its trades.

Each side is measured in processes of its own on one core, ours and the peer's in turn, from the same bytes. Time is the
processor's, of all threads, so what else the machine does is left out; a ratio is of two neighbours, so what is slow for a
minute is so for both. The peer is measured twice: from bytes to `parseAll`, with all
that its users must do before (JSON, and web3 for a wire transaction), and `parseTrades` alone over objects that are there
already, which is the best it can do.
"""

import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from oof_pipelines.chain.body import BodyError
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.commands.bench_peer_compare import Comparison, compare
from oof_pipelines.commands.bench_peer_statements import PeerAnswer
from oof_pipelines.commands.bench_peer_tables import Speeds, show, show_json
from oof_pipelines.commands.bench_peer_worker import Timed
from oof_pipelines.commands.interruption import orderly_end
from oof_pipelines.commands.processes import Processes
from oof_pipelines.commands.recorded_chain import RECORDED_BESIDE
from oof_pipelines.commands.steps import Steps
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.testing.recorded_node.recording_files import (
    find_recording_files,
    is_line_file,
    read_recording_file,
    shown_path,
)
from oof_pipelines.testing.recorded_node.recordings import KnownFacts, RecordingError, cut_recording

PACKAGE = "solana-dex-parser"
SETTING = "--peer-modules (OOF_PEER_MODULES)"
_SCRIPT = Path(__file__).with_name("peer_decode.mjs")
_TRANSACTIONS_A_MEASUREMENT = 4_000
_MEASUREMENT_SECONDS = 1_800
_END_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Peer:
    """Where the package is, which version, and the node that runs it."""

    node: str
    modules: Path
    version: str


class _TimedPeer(msgspec.Struct, frozen=True):
    transactions: int
    objects: int
    from_bytes_seconds: float
    from_objects_seconds: float


class _Package(msgspec.Struct):
    version: str


def bench_peer(paths: Sequence[Path], modules: Path | None, repetitions: int, is_json: bool) -> None:
    """Measure and compare over the recorded transactions of `paths`, and print it; one line where something is missing."""
    peer = find_peer(modules)
    with Steps() as steps, orderly_end(), tempfile.TemporaryDirectory(prefix="oof-") as name:
        folder = Path(name)
        with steps.step("reading recorded transactions"):
            bodies, note = read_bodies(paths or _beside())
        bodies_file = folder / "bodies.jsonl"
        bodies_file.write_bytes(b"".join(body + b"\n" for body in bodies))
        with _one_core() as is_pinned, Processes(folder / "logs", {}) as processes:
            with steps.step("asking the peer"):
                answers = _answers(processes, peer, bodies_file, folder / "answers.jsonl")
            with steps.step("measuring", total=repetitions) as task:
                speeds = Speeds(len(bodies), is_pinned)
                for done in range(repetitions):
                    _measure(processes, peer, bodies_file, speeds)
                    steps.show(task, done + 1, repetitions)
        with steps.step("comparing"):
            compared = compare_all(bodies, answers)
    words = f"{PACKAGE} {peer.version}; {note}"
    (show_json if is_json else show)(words, speeds, answers, compared)


def find_peer(modules: Path | None) -> Peer:
    """The peer below the npm prefix; `click.ClickException` says what is missing and how to get it."""
    get_it = f"get it with `npm install --prefix DIR {PACKAGE}`"
    if modules is None:
        raise click.ClickException(f"{SETTING}: names no folder to find {PACKAGE} in; {get_it}")
    package = modules / "node_modules" / PACKAGE / "package.json"
    try:
        version = msgspec.json.decode(package.read_bytes(), type=_Package).version
    except (OSError, msgspec.DecodeError):
        raise click.ClickException(
            f"{SETTING}: {shown_path(modules)} holds no node_modules/{PACKAGE}; {get_it}"
        ) from None
    node = shutil.which("node")
    if node is None:
        raise click.ClickException("--peer: runs on Node.js, and no `node` is on the PATH")
    return Peer(node, modules, version)


def read_bodies(paths: Sequence[Path]) -> tuple[list[bytes], str]:
    """Every transaction recorded in files and folders, each once, as JSON on one line; and words on them all."""
    found: dict[str, bytes] = {}
    refused = repeated = 0
    for body in (body for path in paths for body in _recorded(path)):
        try:
            signature = parse_transaction(body).signature
        except BodyError:
            refused += 1
            continue
        if signature in found:
            repeated += 1
        else:
            found[signature] = msgspec.json.format(body, indent=-1)
    if not found:
        raise click.ClickException(f"--peer: no transaction in {', '.join(shown_path(path) for path in paths)}")
    note = f"{len(found):,} transactions; {refused} more cannot be read, {repeated} were there before"
    return list(found.values()), note


def compare_all(bodies: Sequence[bytes], answers: Sequence[PeerAnswer]) -> Comparison:
    """Our decoding of each body beside the peer's answer of the same place."""
    compared = Comparison()
    for body, answer in zip(bodies, answers, strict=True):
        compared.add(compare(decode_transaction(parse_transaction(body)), answer))
    return compared


def _beside() -> list[Path]:
    if not RECORDED_BESIDE.is_dir():
        raise click.ClickException("--peer: name files or folders of recorded transactions")
    return [RECORDED_BESIDE]


def _recorded(path: Path) -> Iterator[bytes]:
    for file in find_recording_files(path) if path.is_dir() else [path]:
        try:
            text, _ = read_recording_file(file)
        except OSError:
            continue
        for part in text.splitlines() if is_line_file(file) else [text]:
            try:
                recording = cut_recording(part, KnownFacts())
            except RecordingError:
                continue
            yield from (one.body for one in recording.transactions)


def _answers(processes: Processes, peer: Peer, bodies_file: Path, output: Path) -> list[PeerAnswer]:
    child = processes.start("peer", _peer_command(peer, bodies_file, "answers", str(output)), ends=True)
    processes.wait(child, _MEASUREMENT_SECONDS)
    processes.release(child)
    return [msgspec.json.decode(line, type=PeerAnswer) for line in output.read_bytes().splitlines()]


def _measure(processes: Processes, peer: Peer, bodies_file: Path, speeds: Speeds) -> None:
    """One round: ours, then the peer's."""
    passes = str(max(1, math.ceil(_TRANSACTIONS_A_MEASUREMENT / speeds.transactions)))
    ours = [sys.executable, "-m", "oof_pipelines.commands.bench_peer_worker", str(bodies_file), passes]
    timed = msgspec.json.decode(_said(processes, "ours", ours), type=Timed)
    command = _peer_command(peer, bodies_file, "time", passes)
    of_peer = msgspec.json.decode(_said(processes, "peer", command), type=_TimedPeer)
    speeds.build = timed.build
    speeds.add(
        timed.from_bytes_seconds / timed.transactions,
        of_peer.from_bytes_seconds / of_peer.transactions,
        of_peer.from_objects_seconds / max(1, of_peer.objects),
    )


def _peer_command(peer: Peer, bodies_file: Path, task: str, argument: str) -> list[str]:
    return [peer.node, str(_SCRIPT), str(peer.modules), str(bodies_file), task, argument]


def _said(processes: Processes, name: str, command: list[str]) -> str:
    """The one line that a process prints before it ends."""
    child = processes.start(name, command, is_piped=True, ends=True)
    line = processes.read_line(child, _MEASUREMENT_SECONDS)
    if line is None:
        raise click.ClickException(f"{name} said nothing within {_MEASUREMENT_SECONDS} s")
    processes.wait(child, _END_SECONDS)
    assert child.process.stdout is not None
    child.process.stdout.close()
    processes.release(child)
    return line


@contextmanager
def _one_core() -> Iterator[bool]:
    """Within, this process and what it starts share one core, where the system can do that; yields whether it could."""
    if sys.platform != "linux":
        yield False
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield True
    finally:
        os.sched_setaffinity(0, before)
