"""The processes below this one, and their end: also of those whose own parent has died and that left its session.

Linux only, by /proc and prctl(2); elsewhere nothing is known of them and nothing happens.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37
_STRAY_SECONDS = 10.0
_POLL_SECONDS = 0.05


def adopt_orphans(is_wanted: bool) -> bool:
    """Have descendants whose parent dies become our children, not init's, or no longer; how it was before.

    PR_SET_CHILD_SUBREAPER of prctl(2). Without it, what made a session of its own is out of sight when its parent ends.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    was_wanted = ctypes.c_int(0)
    libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(was_wanted), 0, 0, 0)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, int(is_wanted), 0, 0, 0)
    return bool(was_wanted.value)


def children_of(pid: int) -> list[int]:
    """The living children of a process (zombies left out), oldest pid first."""
    return _children_by_parent().get(pid, [])


def descendants_of(pids: Iterable[int]) -> list[int]:
    """The processes named and everything below them, parents first."""
    by_parent = _children_by_parent()
    found = list(dict.fromkeys(pids))
    for pid in found:
        found.extend(child for child in by_parent.get(pid, []) if child not in found)
    return found


def end_strays(spared: Iterable[int], is_hurried: Callable[[], bool]) -> None:
    """End every child of ours but `spared` and their like: SIGINT first, SIGKILL after 10 s, or at once when hurried.

    SIGINT goes to our own children alone: to PostgreSQL's main process it says to stop fast and in order, which is not for
    its workers to hear. A child's orphans become ours and have their turn.
    """
    kept = set(spared)
    asked: set[int] = set()
    deadline_s = time.monotonic() + _STRAY_SECONDS
    while strays := [pid for pid in children_of(os.getpid()) if pid not in kept]:
        if is_hurried() or time.monotonic() > deadline_s:
            for pid in descendants_of(strays):
                signal_process(pid, signal.SIGKILL)
        for pid in strays:
            if pid not in asked:
                asked.add(pid)
                signal_process(pid, signal.SIGINT)
        time.sleep(_POLL_SECONDS)
        reap(kept)
    reap(kept)


def reap(kept: Iterable[int]) -> None:
    """Take note of the death of adopted orphans, which would stay zombies as long as we live; `kept` are left alone."""
    me = os.getpid()
    for pid in _children_by_parent(has_zombies=True).get(me, []):
        if pid not in kept:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def signal_process(pid: int, number: int) -> None:
    """Send a signal; a process that has gone meanwhile is no error, nor one that is another user's."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _children_by_parent(has_zombies: bool = False) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # "pid (name) state ppid …"; the name may hold blanks and brackets, so from the last one on (proc(5)).
            state, parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if has_zombies or state not in (b"Z", b"X"):
            found.setdefault(int(parent), []).append(int(folder.name))
    return {parent: sorted(pids) for parent, pids in found.items()}
