"""`oof migrate`: bring the database to this code's version, and Dagster's storage with it."""

import os
import subprocess

import click

from oof_pipelines.commands.dagster_instance import SCHEMA, dagster_environment, storage_command
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.postgres import without_password
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.database import running_database_url
from oof_pipelines.storage.postgres.migrate import Migration, MigrationError
from oof_pipelines.storage.postgres.migrate import migrate as apply_migrations

_STORAGE_SECONDS = 300
_SHOWN_LINES = 15

EPILOG = """\b
Examples:
  oof migrate                                         what sql/migrations has and the database lacks
  oof migrate --dagster                               Dagster's folder, schema and tables too
  DATABASE_URL=postgresql://… oof migrate --dagster   in a server of yours
"""


@click.command(epilog=EPILOG)
@click.option("--dagster", "has_dagster", is_flag=True, help="Make or migrate Dagster's storage as well.")
@plain_errors
def migrate(has_dagster: bool) -> None:
    """Apply the SQL migrations that the database lacks, and say which. Running it again changes nothing.

    `oof follow`, `oof up` and the rest do this for themselves; where processes start at the same time, as containers
    do, it is done once before them. With --dagster: OOF_HOME/dagster with its dagster.yaml, the schema `dagster`, its
    tables.
    """
    settings = load_settings()
    url = running_database_url(settings.database_url, settings.home)
    applied = apply_migrations(url, settings.migrations_folder)
    for migration in applied:
        click.echo(f"applied {migration.file_name}")
    click.echo(f"{without_password(url)}: {_count(applied)}")
    if has_dagster:
        environment = dagster_environment(url, settings.home)
        _make_dagster_storage(environment)
        click.echo(f"Dagster: schema {SCHEMA} is up to date, DAGSTER_HOME is {environment['DAGSTER_HOME']}")


def _count(applied: list[Migration]) -> str:
    if not applied:
        return "no migration was missing"
    return f"{len(applied)} migration{'s' if len(applied) > 1 else ''} applied"


def _make_dagster_storage(environment: dict[str, str]) -> None:
    """Run Dagster's own migration; raises MigrationError with the end of what it said."""
    try:
        done = subprocess.run(
            storage_command(),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_STORAGE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MigrationError(f"`dagster instance migrate` did not end within {_STORAGE_SECONDS} s") from None
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip().splitlines()[-_SHOWN_LINES:]
        raise MigrationError("\n".join([f"`dagster instance migrate` ended with status {done.returncode}:", *said]))
