"""Reference prices out of stored ticks of one source: the table price_ticks, filled by whoever asks Pyth or Jupiter."""

from datetime import UTC, datetime

import psycopg

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.pricing.reference import ReferencePrice
from oof_pipelines.pricing.sol_usd import Tick, prices_of_ticks
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options

_CONNECT_TIMEOUT_SECONDS = 10
# Below a million: what lies above is no price of a SOL, and would not fit what is multiplied by it.
_TICKS = """
select published_at, price_usd, confidence_usd from price_ticks
where source = %s and mint = %s and published_at >= %s and published_at <= %s and price_usd < 1000000
order by published_at
"""


class PostgresTicks:
    """SOL's ticks of `name` (pyth or jupiter) as reference prices; a connection an answer."""

    def __init__(self, database_url: str, name: str) -> None:
        self._database_url = database_url
        self.name = name

    def prices(self, first_s: int, last_s: int) -> list[ReferencePrice]:
        """Prices published from `first_s` to `last_s`, both included."""
        bounds = [datetime.fromtimestamp(second, UTC) for second in (first_s, last_s)]
        with psycopg.connect(
            self._database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof prices",
            options=session_options(self._database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
        ) as connection:
            rows = connection.execute(_TICKS, (self.name, NATIVE_MINT, *bounds)).fetchall()
        return prices_of_ticks([Tick(*row) for row in rows], self.name)
