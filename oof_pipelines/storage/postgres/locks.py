"""Advisory locks: who may write what. Keys are fixed numbers or derived from a dataset and its partition."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection, errors

FEED_LOCK = int.from_bytes(hashlib.sha256(b"oof feed").digest()[:8], "big", signed=True)


class PartitionIsBusyError(RuntimeError):
    """Another process writes the same partition and did not finish in time."""


def partition_lock_key(dataset: str, partition: str) -> int:
    """The lock of one partition of one dataset: 64 bits of a hash, so two partitions practically never share one."""
    return int.from_bytes(hashlib.sha256(f"partition {dataset} {partition}".encode()).digest()[:8], "big", signed=True)


@contextmanager
def partition_lock(
    connection: Connection[Any], dataset: str, partition: str, *, timeout_seconds: int = 300
) -> Iterator[None]:
    """Hold the partition's lock for the block. It ends with the session, so a killed writer leaves none behind."""
    key = partition_lock_key(dataset, partition)
    connection.execute("select set_config('lock_timeout', %s, false)", (f"{timeout_seconds}s",))
    try:
        connection.execute("select pg_advisory_lock(%s)", (key,))
    except errors.LockNotAvailable:
        raise PartitionIsBusyError(
            f"{dataset} {partition}: another writer has held the partition for {timeout_seconds} s"
        ) from None
    finally:
        connection.execute("select set_config('lock_timeout', '0', false)")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(%s)", (key,))
