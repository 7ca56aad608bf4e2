"""One clear line instead of a traceback, for errors a user can mend. Others keep their traceback."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click
import psycopg

from oof_pipelines.interfaces import SourceRefusedError, SourceUnavailableError
from oof_pipelines.settings import SettingsError
from oof_pipelines.storage.duckdb import QueryError
from oof_pipelines.storage.postgres.inbox import FeedIsRunningError
from oof_pipelines.storage.postgres.locks import PartitionIsBusyError
from oof_pipelines.storage.postgres.migrate import MigrationError
from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError
from oof_pipelines.workflows.fold import InvalidPartitionError

P = ParamSpec("P")
R = TypeVar("R")

_MENDABLE = (
    SettingsError,
    MigrationError,
    EmbeddedPostgresError,
    InvalidPartitionError,
    QueryError,
    FeedIsRunningError,
    PartitionIsBusyError,
    SourceRefusedError,
    SourceUnavailableError,
)


def plain_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn mendable errors into click's `Error: …` and exit status 1, also out of a task group."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except _MENDABLE as error:
            raise click.ClickException(str(error)) from None
        except psycopg.OperationalError as error:
            raise click.ClickException(f"DATABASE_URL: {_first_line(error)}") from None
        except BaseExceptionGroup as group:
            first = _first_leaf(group)
            if isinstance(first, _MENDABLE):
                raise click.ClickException(str(first)) from None
            if isinstance(first, psycopg.OperationalError):
                raise click.ClickException(f"DATABASE_URL: {_first_line(first)}") from None
            raise

    return wrapped


def _first_leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
