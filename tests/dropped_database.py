"""Dropping a test's database, whoever is in it."""

import time
from typing import Any

import psycopg

_ATTEMPTS = 40
_PAUSE_SECONDS = 0.25


def drop_database(connection: psycopg.Connection[Any], name: str) -> None:
    """Drop it, ending its sessions. Autovacuum may be in it, whose worker is not ours to end and is gone in a moment."""
    for attempt in range(_ATTEMPTS):
        try:
            connection.execute(f'drop database "{name}" with (force)'.encode())
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
