"""A database filled as a feed leaves it: a synthetic chain of three days, everything final, nothing folded."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.testing.synthetic_chain import generate
from oof_pipelines.workflows.prepare import FetchedBody, prepare

TRANSACTIONS = 90
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FilledHome:
    """A home, its database, and what waits in it."""

    home: Path
    url: str
    transactions: tuple[StoredTransaction, ...]

    @property
    def days(self) -> list[str]:
        return sorted({transaction.day.isoformat() for transaction in self.transactions})


def fill(url: str) -> tuple[StoredTransaction, ...]:
    """Store a synthetic chain of three days as a feed would."""
    rows = []
    for synthetic in generate(3, TRANSACTIONS, days=3):
        row = prepare(
            FetchedBody(synthetic.signature, synthetic.to_json_bytes("base64")), synthetic.slot, "mainnet-beta", NOW
        )
        assert isinstance(row, StoredTransaction)
        rows.append(row)

    async def store() -> None:
        async with PostgresInbox(lambda: url) as inbox:
            await inbox.store(rows, [])
            await inbox.mark_final([row.signature for row in rows])

    asyncio.run(store())
    return tuple(rows)
