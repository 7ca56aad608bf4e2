"""A home of its own for a demo, a soak or a benchmark: empty at the start, its server stopped at the end."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oof_pipelines.commands.interruption import orderly_end, shielded
from oof_pipelines.settings import SettingsError
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

# What a home may hold, all of it made by us.
_OURS = frozenset(
    {"pg", "dagster", "logs", "parquet_store", "chain", "synthetic_chain", "floor", "go", "decoded", "runs"}
)


@contextmanager
def fresh_home(home: Path) -> Iterator[None]:
    """An empty folder, whatever an earlier run left in it; what this run leaves stays there for looking at.

    One run at a time: a second raises `SettingsError` at once. Within, SIGINT and SIGTERM raise `Interrupted`, and however
    the block ends, the server and every process started within are ended.
    """
    with locked(home), orderly_end():
        server = EmbeddedPostgres(home)
        try:
            _empty(home, server)
            yield
        finally:
            with shielded():
                server.stop()


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the lock of `home`: the file HOME.lock beside it, since what lies within is erased.

    Raises `SettingsError` where another process holds it. The operating system frees it when we die.
    """
    real = home.resolve()
    path = real.with_name(f"{real.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SettingsError(f"OOF_HOME: cannot make {path}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            raise SettingsError(
                f"OOF_HOME: process {holder or 'unknown'} is using {home}; wait for its end, or name another OOF_HOME"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        # The file stays: were it removed, two could each hold the lock of a file of that name.
        os.close(descriptor)


def _empty(home: Path, server: EmbeddedPostgres) -> None:
    try:
        # OOF_HOME may be anybody's folder, with a "demo" of his own in it.
        strangers = sorted(entry.name for entry in home.iterdir() if entry.name not in _OURS) if home.exists() else []
        if strangers:
            raise SettingsError(
                f"OOF_HOME: {home} is made anew, and {strangers[0]} in it is not ours; move it, or name another OOF_HOME"
            )
        if home.exists():
            server.erase()
            shutil.rmtree(home)
        home.mkdir(parents=True)
    except OSError as error:
        raise SettingsError(f"OOF_HOME: cannot make {home} anew: {error.strerror}") from None
