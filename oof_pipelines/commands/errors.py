"""One clear line instead of a traceback, for errors a user can mend. Others keep their traceback."""

import contextlib
import errno
import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click
import psycopg

from oof_pipelines.chain.exchanges import ExchangeConfigError
from oof_pipelines.config_files import ConfigFileError
from oof_pipelines.detectors.thresholds import DetectorConfigError
from oof_pipelines.interfaces import SourceRefusedError, SourceUnavailableError
from oof_pipelines.market.risk import RiskConfigError
from oof_pipelines.pricing.filters import PriceConfigError
from oof_pipelines.settings import Settings, SettingsError, load_settings
from oof_pipelines.storage.duckdb import QueryError
from oof_pipelines.storage.kline_files import KlineFileError
from oof_pipelines.storage.parquet.minute_candles import ReplacedMeanwhileError
from oof_pipelines.storage.parquet.store import DamagedPartitionError
from oof_pipelines.storage.postgres.inbox import FeedIsRunningError
from oof_pipelines.storage.postgres.locks import PartitionIsBusyError
from oof_pipelines.storage.postgres.migrate import MigrationError
from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError
from oof_pipelines.workflows.fold import InvalidPartitionError
from oof_pipelines.workflows.plans import PlansConfigError
from oof_pipelines.workflows.request_analysis import QuotaSpentError

P = ParamSpec("P")
R = TypeVar("R")

_MENDABLE = (
    KlineFileError,
    PriceConfigError,
    ExchangeConfigError,
    DetectorConfigError,
    SettingsError,
    ConfigFileError,
    DamagedPartitionError,
    ReplacedMeanwhileError,
    RiskConfigError,
    PlansConfigError,
    QuotaSpentError,
    MigrationError,
    EmbeddedPostgresError,
    InvalidPartitionError,
    QueryError,
    FeedIsRunningError,
    PartitionIsBusyError,
    SourceRefusedError,
    SourceUnavailableError,
)
# What a user mends with rights, space or another folder. Any other error of the operating system is ours.
_MENDABLE_NUMBERS = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
        errno.ELOOP,
    }
)


def plain_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn mendable errors into click's `Error: …` and exit status 1, also out of a task group.

    Where standard output is a pipe that nobody reads any more, the command ends with status 1 and says nothing.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            result = command(*args, **kwargs)
            # What is still in the buffer would fail after the end, where nobody can say so in one line.
            _flush_output()
            return result
        except BaseException as error:
            first = _first_leaf(error)
            if isinstance(first, BrokenPipeError):
                _drop_output()
                raise SystemExit(1) from None
            message = _message(first)
            if message is None:
                raise
            _drop_output_where_it_fails()
            raise click.ClickException(hide_secrets(message)) from None

    return wrapped


def hide_secrets(text: str) -> str:
    """`text`, which may hold words of a library or a server, without any password or key of the settings."""
    settings = _settings()
    if settings is None:
        return text
    urls = [*settings.rpc_endpoints, *settings.rpc_sockets, *([settings.database] if settings.database else [])]
    served = (settings.geyser.url, settings.geyser.token, settings.api.webhook_secret)
    for secret in (*urls, *settings.market.secrets, *(each for each in served if each is not None)):
        text = secret.hide_in(text)
    return text


def _message(error: BaseException) -> str | None:
    """The line for a mendable error; None for any other."""
    if isinstance(error, MigrationError) and isinstance(error.__context__, psycopg.OperationalError):
        # libpq says where and why on lines of their own.
        return " ".join(str(error).split())
    if isinstance(error, _MENDABLE):
        return str(error)
    if isinstance(error, psycopg.OperationalError):
        return f"DATABASE_URL: {_first_line(error)}"
    if isinstance(error, OSError) and error.errno in _MENDABLE_NUMBERS:
        return _operating_system_message(error)
    return None


def _operating_system_message(error: OSError) -> str:
    """Which setting the path belongs to, and what is wrong with it. Some libraries name the path in the text alone."""
    reason = os.strerror(error.errno or 0)
    settings = _settings()
    if settings is not None:
        for name, folder in ((store_setting(settings), settings.store), ("OOF_HOME", settings.home)):
            paths = [str(path) for path in (error.filename, error.filename2) if path is not None]
            if any(path == str(folder) or path.startswith(f"{folder}{os.sep}") for path in paths):
                return f"{name}: cannot use {paths[0]} ({reason})"
            # A folder above may be what is closed.
            if any(str(folder).startswith(f"{path}{os.sep}") for path in paths):
                return f"{name}: cannot use {folder}: {paths[0]} ({reason})"
            if not paths and str(folder) in str(error):
                return f"{name}: cannot use {folder} ({reason})"
    if error.filename is None:
        return f"cannot write ({reason}): standard output, or the disk of OOF_HOME or OOF_STORE"
    return f"{error.filename}: {reason}"


def store_setting(settings: Settings) -> str:
    """Which setting says where the Parquet files are: OOF_HOME where they are in its folder, else OOF_STORE."""
    return "OOF_HOME" if settings.store.is_relative_to(settings.home) else "OOF_STORE"


def _settings() -> Settings | None:
    try:
        return load_settings()
    except SettingsError:
        return None


def _first_leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _flush_output() -> None:
    if not sys.stdout.closed:
        sys.stdout.flush()


def _drop_output_where_it_fails() -> None:
    try:
        _flush_output()
    except OSError:
        _drop_output()


def _drop_output() -> None:
    """Let what is buffered go nowhere, so that the interpreter's last flush does not fail once more."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
