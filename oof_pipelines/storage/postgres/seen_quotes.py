"""Quotes as they were seen live, as detectors compare swaps with them."""

from collections.abc import Collection
from datetime import datetime

import psycopg

from oof_pipelines.detectors.input import SeenQuote
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options

_CONNECT_TIMEOUT_SECONDS = 10

_QUOTES = """
select id, source, sold_mint, sold_raw, bought_mint, bought_raw, asked_at, slot, labels
from quotes
where sold_mint = any(%(mints)s) and bought_mint = any(%(mints)s) and asked_at >= %(since)s and asked_at < %(until)s
order by asked_at, id
"""


class PostgresQuotes:
    """Reads the table `quotes` on one connection. Use as a context manager."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(
            database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof moments",
            options=session_options(database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
        )

    def __enter__(self) -> "PostgresQuotes":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def quotes(self, mints: Collection[str], since: datetime, until: datetime) -> list[SeenQuote]:
        """Quotes between two of these mints that were asked for from `since` to before `until`, in the order of time."""
        bounds = {"mints": sorted(mints), "since": since, "until": until}
        return [
            SeenQuote(
                id=quote_id,
                source=source,
                sold_mint=sold_mint,
                sold_raw=int(sold_raw),
                bought_mint=bought_mint,
                bought_raw=int(bought_raw),
                asked_at_s=int(asked_at.timestamp()),
                slot=slot,
                labels=tuple(map(str, labels)),
            )
            for quote_id, source, sold_mint, sold_raw, bought_mint, bought_raw, asked_at, slot, labels in (
                self._connection.execute(_QUOTES, bounds).fetchall()
            )
        ]
