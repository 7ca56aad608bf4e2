"""Dagster's Postgres storage with its connections kept open.

As shipped it opens one for each statement outside the webserver: five for one materialisation event, 40 % of what a
partition costs. The webserver's own setting, used everywhere, keeps one a storage and opens more only when needed.
"""

from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config

_STATEMENT_TIMEOUT_MS = 60_000
_RECYCLE_SECONDS = 600
_MOST_EXTRA_CONNECTIONS = 20


class PooledPostgresStorage(DagsterPostgresStorage):
    """`DagsterPostgresStorage`, pooled; configured alike, under `storage: custom:` in dagster.yaml."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(postgres_url, inst_data=inst_data)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage.optimize_for_webserver(
                statement_timeout=_STATEMENT_TIMEOUT_MS,
                pool_recycle=_RECYCLE_SECONDS,
                max_overflow=_MOST_EXTRA_CONNECTIONS,
            )

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "PooledPostgresStorage":
        return cls(pg_url_from_config(config_value), inst_data)
