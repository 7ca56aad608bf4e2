"""Which Postgres: the user's (DATABASE_URL) or the embedded one, started on demand; migrated before first use."""

from pathlib import Path

from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.server import EmbeddedPostgres


def running_database_url(database_url: str | None, home: Path) -> str:
    """The address of a server that runs: `database_url` where set, else the embedded server of `home`, started if need be."""
    return database_url if database_url else EmbeddedPostgres(home).start()


def ready_database_url(database_url: str | None, home: Path, migrations_folder: Path) -> str:
    """As `running_database_url`, with every migration applied."""
    url = running_database_url(database_url, home)
    migrate(url, migrations_folder)
    return url
