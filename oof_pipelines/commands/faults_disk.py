"""Disks that really run full: a small tmpfs which the runs of one thread alone see, and which goes when they end.

Needs root on Linux; elsewhere the fault is skipped, and says so.
"""

import ctypes
import errno
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from oof_pipelines.commands.faults_matrix import Arena, Calm
from oof_pipelines.commands.faults_stage import RunError, Stage
from oof_pipelines.commands.processes import Child
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.fault_catalogue import Fault

T = TypeVar("T")

_CLONE_NEWNS = 0x0002_0000  # linux/sched.h
_MS_REC_PRIVATE = 0x4000 | 1 << 18  # linux/mount.h: MS_REC and MS_PRIVATE
_STORE_BYTES = 64 * 2**20
_SERVER_BYTES = 400 * 2**20
_FULL_SECONDS = 90.0
_KIB = 1024
_NO_SPACE = ("No space left on device", "DiskFull", "could not write", "could not extend")


class SkippedError(Exception):
    """The fault cannot be made on this machine; the message says why."""


def in_own_mounts(work: Callable[[], T]) -> T:
    """Do `work` in a thread of its own, whose mounts (and those of its children) nobody else sees.

    Raises what it raises, and `SkippedError` where this machine does not allow it.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        raise SkippedError("a small disk can be mounted by root on Linux alone")
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            _leave_mounts()
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="small disk")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _leave_mounts() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    # unshare(2), mount(2): of this thread alone, and nothing of it comes back to the others.
    if libc.unshare(_CLONE_NEWNS) or libc.mount(None, b"/", None, _MS_REC_PRIVATE, None):
        raise SkippedError(f"no mounts of our own: {os.strerror(ctypes.get_errno())}")


def _mount_small(folder: Path, size_bytes: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={size_bytes},mode=755".encode()
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options):
        raise SkippedError(f"no tmpfs can be mounted: {os.strerror(ctypes.get_errno())}")


def run_full_disk(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """The disk of the store or of PostgreSQL runs full in the middle; later there is room again. In `in_own_mounts`."""
    return _full_store(arena, fault) if "store" in fault.steps else _full_server(arena, fault)


def _full_store(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """Folds that find no room end with one line that says so, and leave whole files; the next one goes on."""
    calm = arena.calm()
    stage = arena.stage(fault.name, template=calm.template)
    stage.store.mkdir()
    _mount_small(stage.store, _STORE_BYTES)
    for room_kib in fault.plan:
        ballast = _fill(stage.store, int(room_kib) * _KIB)
        failed = stage.run(["fold"])
        ballast.unlink()
        _check_told(failed)
        stage.counts["failed folds"] += 1
    stage.run_well(["fold"])
    return stage, calm


def _full_server(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """The feed stores until PostgreSQL finds no room; it waits or ends, and says why. With room again it goes on."""
    calm = arena.calm()
    stage = arena.stage(fault.name)
    # Below a folder that the server's user may enter, so that its data is on this disk and nowhere else.
    stage.home = arena.open_folder / stage.name
    stage.home.mkdir(mode=0o755)
    _mount_small(stage.home, _SERVER_BYTES)
    stage.database_url = ""
    EmbeddedPostgres(stage.home).start()
    try:
        _fill_under_feed(stage, fault, calm)
        stage.run_well(["fold"])
    except BaseException:
        EmbeddedPostgres(stage.home).erase()
        raise
    return stage, calm


def _fill_under_feed(stage: Stage, fault: Fault, calm: Calm) -> None:
    with stage.node(fault.node_faults) as node:
        feed = stage.start_feed(node, from_slot=calm.first_slot)
        stage.wait_until_following(feed)
        ballast = _fill(stage.home, 0)
        _wait_until_told(stage, feed)
        if fault.plan[0]:
            # Nobody makes room: the feed ends, and says in one line why.
            stage.wait_for_end(feed, fault.plan[0])
            _check_told(feed)
        ballast.unlink()
        if feed.process.poll() is not None:
            stage.counts["feeds ended"] += 1
            feed = stage.start_feed(node, from_slot=calm.first_slot)
        stage.complete(feed, node.transaction_count)


def _wait_until_told(stage: Stage, feed: Child) -> None:
    """Until the feed has said that there is no room."""
    for _ in range(int(_FULL_SECONDS / 0.1)):
        stage.raise_if_over()
        text = feed.log.read_text(errors="replace")
        if any(words in text for words in _NO_SPACE):
            stage.counts["said that the disk is full"] += 1
            return
        if feed.process.poll() is not None:
            break
        threading.Event().wait(0.1)
    raise RunError(f"the disk was full, and the feed did not say so:\n{feed.log_tail()}")


def _fill(folder: Path, room_bytes: int) -> Path:
    """A file that leaves so much room on the folder's disk, whoever writes there meanwhile."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        while (wanted_bytes := shutil.disk_usage(folder).free - room_bytes) > 0:
            try:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), wanted_bytes)
            except OSError as error:
                # Somebody was quicker: what is left is asked for again.
                if error.errno != errno.ENOSPC:
                    raise
    return ballast


def _check_told(failed: Child) -> None:
    text = failed.log.read_text(errors="replace")
    errors = [line for line in text.splitlines() if line.startswith("Error: ")]
    is_plain = failed.process.returncode == 1 and len(errors) == 1 and "Traceback" not in text
    if not is_plain or _NO_SPACE[0] not in errors[0]:
        raise RunError(f"the disk was full, and {failed.name} ended otherwise than by saying so:\n{failed.log_tail()}")
