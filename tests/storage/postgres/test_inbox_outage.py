"""A feed whose database is away says so once, waits, and gives up with the reason."""

import asyncio
import logging
import socket

import psycopg
import pytest

from oof_pipelines.storage.postgres.inbox import PostgresInbox


def test_an_outage_is_told_once_and_ends_the_patience(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"postgresql://oof:quiet-password@127.0.0.1:{port}/oof"

    async def scenario() -> None:
        async with PostgresInbox(lambda: url, patience_seconds=1.2):
            pass

    with caplog.at_level(logging.WARNING), pytest.raises(psycopg.OperationalError):
        asyncio.run(scenario())
    (record,) = [record for record in caplog.records if "inbox unavailable" in record.message]
    assert "connection refused" in record.__dict__["reason"].lower()
    assert "quiet-password" not in record.__dict__["reason"]
