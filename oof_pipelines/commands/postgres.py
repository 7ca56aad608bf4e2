"""`oof pg …`: the PostgreSQL the platform stores in, embedded unless DATABASE_URL names another."""

from typing import NoReturn
from urllib.parse import urlsplit

import click
import psycopg

from oof_pipelines.commands.errors import hide_secrets, plain_errors
from oof_pipelines.settings import Settings, SettingsError, load_settings
from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError
from oof_pipelines.storage.postgres.server import STOP_SIGNALS, EmbeddedPostgres

CONNECT_TIMEOUT_SECONDS = 10
EXIT_NOT_RUNNING = 3  # as `systemctl status` has it


@click.group(name="pg", epilog="Example: oof pg start")
def pg() -> None:
    """The PostgreSQL of this home: start it, stop it, look at it."""


@pg.command(epilog="Example: oof pg start")
@plain_errors
def start() -> None:
    """Start the embedded server; make its data at the first time.

    It goes on running when this command has ended. Where DATABASE_URL names a server of yours, only check that it
    answers.
    """
    settings = _settings()
    if settings.database_url:
        _check_answer(settings.database_url, exit_code=1)
        click.echo(
            f"DATABASE_URL is set, so the server is yours to start: {without_password(settings.database_url)} answers"
        )
        return
    server = EmbeddedPostgres(settings.home)
    try:
        address = without_password(server.start())
        data_dir = server.status().data_dir
    except EmbeddedPostgresError as error:
        _fail(str(error), exit_code=1)
    click.echo(f"PostgreSQL runs at {address} (`oof pg url` prints the address with its password)")
    click.echo(f"data: {data_dir}")


@pg.command(epilog="Example: oof pg stop --mode smart")
@click.option(
    "--mode",
    type=click.Choice(list(STOP_SIGNALS)),
    default="fast",
    show_default=True,
    help="smart waits for clients to leave; fast turns them out; immediate also skips the checkpoint.",
)
@plain_errors
def stop(mode: str) -> None:
    """Stop the embedded server and wait until it has ended.

    Where DATABASE_URL names a server of yours, it is left alone.
    """
    settings = _settings()
    if settings.database_url:
        click.echo(
            f"DATABASE_URL is set, so the server is yours to stop: {without_password(settings.database_url)} left alone"
        )
        return
    try:
        EmbeddedPostgres(settings.home).stop(mode)
    except EmbeddedPostgresError as error:
        _fail(str(error), exit_code=1)
    click.echo("PostgreSQL is stopped")


@pg.command(epilog="Example: oof pg status && echo it runs")
@plain_errors
def status() -> None:
    """Say whether the server runs: exit status 0 when it does, 3 when not."""
    settings = _settings()
    if settings.database_url:
        _check_answer(settings.database_url, exit_code=EXIT_NOT_RUNNING)
        click.echo(f"{without_password(settings.database_url)} (DATABASE_URL) answers")
        return
    try:
        found = EmbeddedPostgres(settings.home).status()
    except EmbeddedPostgresError as error:
        _fail(str(error), exit_code=1)
    if not found.is_running or found.url is None:
        click.echo(f"PostgreSQL is not running; data: {found.data_dir}")
        raise SystemExit(EXIT_NOT_RUNNING)
    click.echo(f"PostgreSQL runs at {without_password(found.url)}, pid {found.pid}, version {found.version}")
    click.echo(f"data: {found.data_dir}")


@pg.command(epilog='Example: psql "$(oof pg url)"')
@plain_errors
def url() -> None:
    """Print the address with its password, for programs that connect."""
    settings = _settings()
    try:
        click.echo(settings.database_url or EmbeddedPostgres(settings.home).url)
    except EmbeddedPostgresError as error:
        _fail(str(error), exit_code=1)


def without_password(address: str) -> str:
    """The address with user, host, port and database alone: whatever else it holds may be a secret."""
    try:
        parts = urlsplit(address)
        host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
        user = f"{parts.username}@" if parts.username else ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the server of DATABASE_URL"
    if parts.scheme not in ("postgresql", "postgres"):
        return "the server of DATABASE_URL"
    return f"{parts.scheme}://{user}{host}{port}{parts.path}"


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        _fail(str(error), exit_code=1)


def _check_answer(address: str, exit_code: int) -> None:
    try:
        psycopg.connect(address, connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
    except psycopg.OperationalError as error:
        said = hide_secrets(" ".join(str(error).split()))
        _fail(f"{without_password(address)} (DATABASE_URL) does not answer: {said}", exit_code)
    except psycopg.ProgrammingError:
        # What libpq says of a malformed address may quote the password.
        _fail("DATABASE_URL is not a connection address of PostgreSQL", exit_code=1)


def _fail(message: str, exit_code: int) -> NoReturn:
    click.echo(message, err=True)
    raise SystemExit(exit_code)
