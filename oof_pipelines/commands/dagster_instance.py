"""Dagster's instance in our home: its folder, its schema in our Postgres, and the environment its processes need."""

import shutil
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg

from oof_pipelines.settings import REPOSITORY_ROOT

SCHEMA = "dagster"
WORKSPACE = REPOSITORY_ROOT / "workspace.yaml"
_CONFIGURATION = REPOSITORY_ROOT / "dagster_home" / "dagster.yaml"
_CONNECT_TIMEOUT_SECONDS = 10


def program(name: str) -> str:
    """A console script of this environment."""
    return str(Path(sys.executable).with_name(name))


def dagster_environment(database_url: str, home: Path) -> dict[str, str]:
    """What a Dagster process needs: DAGSTER_HOME with our dagster.yaml, and its storage's address. Makes both exist."""
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_CONFIGURATION, dagster_home / "dagster.yaml")
    with psycopg.connect(database_url, connect_timeout=_CONNECT_TIMEOUT_SECONDS, autocommit=True) as connection:
        connection.execute(f"create schema if not exists {SCHEMA}")
    return {
        "DAGSTER_HOME": str(dagster_home),
        "OOF_DAGSTER_POSTGRES_URL": storage_url(database_url),
        # A run over 2,000 days writes its events in batches, not one by one: 20 ms a partition become 1.
        "DAGSTER_EVENT_BATCH_SIZE": "500",
        # One planned event an asset instead of one a partition; a failed run then marks no partition as failed.
        "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "1",
        "OOF_HOME": str(home),
    }


def storage_url(database_url: str) -> str:
    """Our database with Dagster's schema as its search path."""
    parts = urlsplit(database_url)
    option = f"options={quote(f'-csearch_path={SCHEMA}')}"
    return parts._replace(query=f"{parts.query}&{option}" if parts.query else option).geturl()


def storage_command() -> list[str]:
    """Creates or migrates Dagster's tables: before the webserver and the daemon, which would race for it."""
    return [program("dagster"), "instance", "migrate"]


def webserver_command(port: int) -> list[str]:
    return [program("dagster-webserver"), "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port)]


def daemon_command() -> list[str]:
    return [program("dagster-daemon"), "run", "-w", str(WORKSPACE)]
