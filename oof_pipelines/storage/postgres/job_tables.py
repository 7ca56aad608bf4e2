"""The job queue as `oof sql` sees it: the query that reads each table, and its columns' types in DuckDB."""

from typing import Any

import polars as pl

from oof_pipelines.storage.parquet.dataset import INSTANT

_TEXT, _NUMBER = pl.String(), pl.Int32()

_TABLES: dict[str, dict[str, Any]] = {
    "job_queue": {
        "id": _TEXT,
        "kind": _TEXT,
        "status": _TEXT,
        "payload_json": _TEXT,
        "priority": _NUMBER,
        "attempts": _NUMBER,
        "max_attempts": _NUMBER,
        "user_id": _TEXT,
        "plan_code": _TEXT,
        "parent_id": _TEXT,
        "created_at": INSTANT,
        "run_after": INSTANT,
        "started_at": INSTANT,
        "finished_at": INSTANT,
        "locked_by": _TEXT,
        "locked_at": INSTANT,
        "last_error": _TEXT,
        "result_json": _TEXT,
    },
    "job_events": {"job_id": _TEXT, "seq": _NUMBER, "at": INSTANT, "kind": _TEXT, "payload_json": _TEXT},
    "job_workers": {"worker": _TEXT, "run_id": _TEXT, "began_at": INSTANT, "seen_at": INSTANT},
}

JOB_QUERY_TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    name: (
        f"select {', '.join(f'{column}::text' if column.endswith('_json') else column for column in columns)} from {name}",  # noqa: S608
        columns,
    )
    for name, columns in _TABLES.items()
}
"""Table → (query, column types); names are of this file alone."""
