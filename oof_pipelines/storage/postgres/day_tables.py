"""Tables that are replaced by day as a whole: tokens' sightings and events, pools, shares of what is decoded, slices."""

from collections.abc import Iterable
from dataclasses import astuple
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from oof_pipelines.storage.parquet.decoded_day import DecodedDay
from oof_pipelines.storage.parquet.pool_reserves import COLUMNS, newest_reserves

_DAYS_COLUMNS = (
    "day, transactions, decoded, conserved, residual, moved_lamports, residual_lamports, actions_sha256, "
    "decoder_version"
)
_SIGHTING_COLUMNS = "day, mint, decimals, token_program, first_slot, first_block_time, first_sig"
_EVENT_COLUMNS = (
    "day, sig, slot, tx_index, ts, log_idx, path, kind, ordinal, program_id, venue, mint, wallet, pool, quote_mint, creator, "
    "name, symbol, uri, token_program"
)
_HOUR_COLUMNS = (
    "day, hour_at, program_id, calls, unknown_calls, unread_calls, transactions, residual_transactions, moved_lamports, "
    "residual_lamports"
)
_UNKNOWN_COLUMNS = "day, hour_at, program_id, discriminator, calls, first_sig"

Connection = psycopg.Connection[Any]


def replace_day_tables(connection: Connection, decoded: DecodedDay) -> None:
    """Replace the day's rows of every such table. Part of the transaction that publishes the day."""
    day, counts = decoded.day, decoded.counts
    counted = [counts[name.strip()] for name in _DAYS_COLUMNS.split(",")[1:-2]]
    whole_day = (*counted, decoded.actions_sha256, decoded.decoder_version)
    for table, columns, rows in (
        ("token_sightings", _SIGHTING_COLUMNS, decoded.frames["token_facts"].iter_rows()),
        ("token_events", _EVENT_COLUMNS, decoded.frames["token_events"].iter_rows()),
        ("pool_reserves", f"day, {COLUMNS}", newest_reserves(decoded.frames["market_events"]).iter_rows()),
        ("decoded_by_program_hour", _HOUR_COLUMNS, map(astuple, decoded.program_hours)),
        ("unknown_discriminators", _UNKNOWN_COLUMNS, map(astuple, decoded.unknown_discriminators)),
        ("decoded_days", _DAYS_COLUMNS, [whole_day]),
        ("wallet_slices", "day, bucket, sha256", decoded.slices.items()),
    ):
        _replace(connection, table, columns, day, rows)


def _replace(connection: Connection, table: str, columns: str, day: date, rows: Iterable[tuple[Any, ...]]) -> None:
    name = sql.Identifier(table)
    connection.execute(sql.SQL("delete from {} where day = %s").format(name), (day,))
    statement = sql.SQL("copy {} ({}) from stdin").format(name, sql.SQL(columns))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row((day, *row))
