"""The main process of a PostgreSQL server: starting it on its own, recognising it, and clearing up after its death."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from oof_pipelines.storage.postgres.placement import Binaries, EmbeddedPostgresError, ServerUser

SPAWN_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.01
READ_ATTEMPTS = 5


@dataclass(frozen=True)
class Postmaster:
    """What `postmaster.pid` says: pid in line 1, port in line 4, state in line 8 (source: pidfile.h of PostgreSQL)."""

    pid: int
    port: int | None
    is_ready: bool


def spawn(binaries: Binaries, user: ServerUser, data_dir: Path, configuration: Path, log: Path) -> int:
    """Start the server in a session of its own, as no child of ours, without any of our files; returns its pid."""
    # Paths are arguments and never part of the script, so no character in them is special.
    script = '{ exec "$@" </dev/null >>"$0" 2>&1; } & echo $!'
    server = [binaries.program("postgres"), "-D", str(data_dir), "-c", f"config_file={configuration}"]
    try:
        answer = subprocess.run(
            ["/bin/sh", "-c", script, str(log), *server],
            **user.process_options(),
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
            timeout=SPAWN_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedPostgresError(f"cannot run PostgreSQL as uid {user.uid}: {error}") from error
    return int(answer.stdout)


def read_postmaster(data_dir: Path) -> Postmaster | None:
    """Content of `postmaster.pid`, None without a readable one. The process it names may long be gone."""
    try:
        lines = (data_dir / "postmaster.pid").read_text(errors="replace").splitlines()
        port = int(lines[3]) if len(lines) > 3 and lines[3] else None
        return Postmaster(int(lines[0]), port, is_ready=len(lines) > 7 and lines[7].strip() == "ready")
    except (FileNotFoundError, NotADirectoryError, IndexError, ValueError):
        return None
    except PermissionError:
        raise EmbeddedPostgresError(f"{data_dir} belongs to another user's server") from None


def is_alive(pid: int, data_dir: Path) -> bool:
    """Whether `pid` is the server of `data_dir`, and not a zombie or another program that was given its number."""
    if not Path("/proc/self/cmdline").exists():
        return _has_process(pid)
    for _ in range(READ_ATTEMPTS):
        try:
            command_line = Path(f"/proc/{pid}/cmdline").read_bytes()
            state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return False
        if command_line or state == "Z":
            return os.fsencode(data_dir) in command_line.split(b"\0")
        # Neither arguments nor an end: a program just being replaced by another (execve) looks like this.
        time.sleep(POLL_SECONDS)
    return False


def clear_remains(data_dir: Path, sockets: Path) -> None:
    """Remove what a killed server left and its successor would stumble over. No server of `data_dir` may run.

    PostgreSQL itself forgives a `postmaster.pid` whose process is gone, but not an empty one, nor one whose number is
    now a zombie or another program. Removing it is safe: children of the dead server that still write hold its shared
    memory, which the new one finds by the inode of the data directory (source: sysv_shmem.c of PostgreSQL).
    """
    pid_file = data_dir / "postmaster.pid"
    postmaster = read_postmaster(data_dir)
    if pid_file.exists() and (postmaster is None or _has_process(postmaster.pid)):
        pid_file.unlink()
    for path in sockets.glob(".s.PGSQL.*"):
        path.unlink()


def _has_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
