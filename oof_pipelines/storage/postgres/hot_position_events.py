"""Events of wallets beside the bodies they were read off, until the files of their wallet buckets hold them.

In the transaction that stores them stands whose positions and moments they change: their wallets', and those of others who
sold or hold the coins that were traded.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from psycopg import AsyncConnection

from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.market.events import TRADE
from oof_pipelines.storage.parquet.dataset import Dataset
from oof_pipelines.storage.parquet.event_schemas import POSITION_EVENTS
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.postgres import touch_statements as statements

Row = tuple[Any, ...]


def _at(dataset: Dataset, *names: str) -> tuple[int, ...]:
    columns = list(dataset.columns)
    return tuple(columns.index(name) for name in names)


_PLACE = ("signature", "wallet", "seq")
# The columns of the dataset behind the place, in the order of the table.
_REST = tuple(name.strip() for name in statements.EVENT_COLUMNS.split(",")[5:])
_PLACE_AT, _REST_AT = _at(POSITION_EVENTS, *_PLACE), _at(POSITION_EVENTS, *_REST)
_KIND_AT, _MINT_AT, _QUOTE_AT = _at(MARKET_EVENTS, "kind", "mint", "quote_mint")


class TouchedByStoring:
    """What a batch that is stored does to wallets: collect its transactions' rows, then write them."""

    def __init__(self) -> None:
        self._events: list[Row] = []
        self._mints: set[str] = set()

    def add(self, transaction: StoredTransaction, rows: Mapping[str, Sequence[Row]]) -> None:
        """`rows` are the transaction's by dataset, as `rows_of` gives them."""
        day = transaction.day
        for row in rows[POSITION_EVENTS.name]:
            signature, wallet, seq = (row[at] for at in _PLACE_AT)
            self._events.append((signature, wallet, seq, wallet_bucket(wallet), day, *(row[at] for at in _REST_AT)))
        for row in rows[MARKET_EVENTS.name]:
            if row[_KIND_AT] == TRADE:
                self._mints |= {row[_MINT_AT], row[_QUOTE_AT]}

    async def write(self, connection: AsyncConnection[Any], stored: Sequence[StoredTransaction]) -> None:
        """Part of the transaction that stores the bodies."""
        if self._events:
            columns = [list(column) for column in zip(*self._events, strict=True)]
            await connection.execute(statements.INSERT_EVENTS, columns)
        mints = sorted(self._mints - statements.MONEY)
        if mints:
            since = max(one.block_time for one in stored) - timedelta(days=statements.LOOK_BACK_DAYS)
            await connection.execute(statements.TOUCH_BY_PRICE, {"mints": mints, "since": since})
        if self._events or mints:
            await connection.execute(statements.NOTIFY)
