"""The data directory of the embedded PostgreSQL: made whole or not at all, and the files that configure it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from oof_pipelines.storage.postgres.placement import Binaries, EmbeddedPostgresError, ServerUser

ROLE = "oof"
DATABASE = "oof"
PROGRAM_TIMEOUT_SECONDS = 180.0

# Clients prove a password whichever way they come; the superuser has none, so that nobody logs in as it.
ACCESS_RULES = """\
# type  database  user  address       method
local   all       all                 scram-sha-256
host    all       all   127.0.0.1/32  scram-sha-256
"""

CONFIGURATION = """\
# Written anew at every start. ALTER SYSTEM outranks it and stays.
include {cluster_defaults}
hba_file = {access_rules}
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = {socket_folder}
max_connections = 100
password_encryption = 'scram-sha-256'
# Iterations slow down guessing; the password is 256 random bits, and every connection would pay for them (2 ms).
scram_iterations = 1
shared_buffers = '128MB'
fsync = on
synchronous_commit = on
autovacuum = on
timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %u@%d '
"""


def create_cluster(binaries: Binaries, user: ServerUser, data_dir: Path, password: str) -> None:
    """Make `data_dir` with role and database `oof`: UTF-8, sorted by code point whatever the machine's locale is.

    It is made under another name and renamed when it is whole and on disk, so one cut short leaves nothing that could
    be taken for a database. Raises EmbeddedPostgresError with the program's own words.
    """
    for leftover in data_dir.parent.glob(f"{data_dir.name}.draft-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    # A new name each time: the initdb of a killed start may still be writing to the old one.
    draft = Path(tempfile.mkdtemp(prefix=f"{data_dir.name}.draft-", dir=data_dir.parent))
    if user.is_switched:
        os.chown(draft, user.uid, user.gid)
    initdb = binaries.program("initdb")
    # The builtin provider needs no locale of the operating system, and its order does not change with libc.
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"]
    plain = ["--username=postgres", "--auth=reject", "--no-sync", "--no-instructions"]
    try:
        _run([initdb, "-D", str(draft), *locale, *plain], user)
        _run_statements(
            binaries,
            user,
            draft,
            f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD {_quoted(password)}",
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
        )
        _run([initdb, "-D", str(draft), "--sync-only"], user)
        draft.rename(data_dir)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _sync_folder(data_dir.parent)


def reset_password(binaries: Binaries, user: ServerUser, data_dir: Path, password: str) -> None:
    """Give the role of a stopped cluster a new password. Raises EmbeddedPostgresError when the cluster runs."""
    _run_statements(binaries, user, data_dir, f"ALTER ROLE {ROLE} PASSWORD {_quoted(password)}")


def write_configuration(base: Path, data_dir: Path, socket_folder: Path, port: int) -> Path:
    """Write `postgresql.conf` and `pg_hba.conf` into `base`, readable by everyone and without secrets.

    They lie outside the data directory so that root never writes into a folder another user controls.
    Returns the path of the first, to be given as `config_file`.
    """
    access_rules = base / "pg_hba.conf"
    configuration = base / "postgresql.conf"
    text = CONFIGURATION.format(
        cluster_defaults=_quoted(str(data_dir / "postgresql.conf")),
        access_rules=_quoted(str(access_rules)),
        port=port,
        socket_folder=_quoted(str(socket_folder)),
    )
    for path, content in ((access_rules, ACCESS_RULES), (configuration, text)):
        path.write_text(content, encoding="utf-8")
        path.chmod(0o644)
    return configuration


def _run_statements(binaries: Binaries, user: ServerUser, data_dir: Path, *statements: str) -> None:
    """Run statements in single-user mode, which needs neither a password nor a port.

    They go through a file: an argument list is for everyone to see. A failed statement is not logged for that reason.
    """
    postgres = [binaries.program("postgres"), "--single", "-j", "-D", str(data_dir)]
    settings = ["-c", "exit_on_error=true", "-c", "log_min_error_statement=panic"]
    _run([*postgres, *settings, "postgres"], user, "".join(f"{statement};\n\n" for statement in statements))


def _run(command: list[str], user: ServerUser, standard_input: str = "") -> None:
    # Files rather than pipes: a grandchild that outlives its parent cannot make us wait for the end of a pipe.
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+", errors="replace") as said:
        given.write(standard_input)
        given.seek(0)
        try:
            options = user.process_options() | {"stdin": given}
            subprocess.run(
                command, **options, stdout=said, stderr=subprocess.STDOUT, check=True, timeout=PROGRAM_TIMEOUT_SECONDS
            )
        except (subprocess.SubprocessError, OSError) as error:
            said.seek(0)
            last_lines = "\n".join(said.read().splitlines()[-15:])
            reason = f"ended with status {error.returncode}" if hasattr(error, "returncode") else str(error)
            raise EmbeddedPostgresError(f"{Path(command[0]).name} {reason}:\n{last_lines}") from error


def _quoted(text: str) -> str:
    """A literal of SQL and of postgresql.conf alike; both double the quote, and the latter the backslash too."""
    if "\n" in text or "\\" in text:
        raise EmbeddedPostgresError(f"a path of the embedded PostgreSQL may not hold a newline or backslash: {text!r}")
    return "'" + text.replace("'", "''") + "'"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
