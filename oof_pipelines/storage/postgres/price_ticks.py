"""Reference prices out of stored ticks of one source: the table price_ticks, filled by whoever asks Pyth or Jupiter.

A tick counts from when it was both published and received. The feed cannot know one that is still on its way, and a file
made days later must not know more than the feed did.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import psycopg

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.pricing.reference import ReferencePrice
from oof_pipelines.pricing.sol_usd import Tick, prices_of_ticks
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options

_CONNECT_TIMEOUT_SECONDS = 10
# Below a million: what lies above is no price of a SOL, and would not fit what is multiplied by it.
_TICKS = """
select published_at, price_usd, confidence_usd, ceil(extract(epoch from greatest(published_at, received_at)))::bigint
from price_ticks
where source = %s and mint = %s and published_at >= %s and published_at <= %s and price_usd < 1000000
order by published_at
"""


class PostgresTicks:
    """SOL's ticks of `name` (pyth or jupiter) as reference prices; a connection an answer."""

    def __init__(self, database_url: str, name: str) -> None:
        self._database_url = database_url
        self.name = name

    def prices(self, first_s: int, last_s: int) -> list[ReferencePrice]:
        """Prices published from `first_s` to `last_s`, both included, each with when it was known here (whole seconds)."""
        bounds = [datetime.fromtimestamp(second, UTC) for second in (first_s, last_s)]
        with psycopg.connect(
            self._database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof prices",
            options=session_options(self._database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
        ) as connection:
            rows = connection.execute(_TICKS, (self.name, NATIVE_MINT, *bounds)).fetchall()
        return _as_known(((Tick(*told), known_at_s) for *told, known_at_s in reversed(rows)), self.name)


def _as_known(ticks: Iterable[tuple[Tick, int]], source: str) -> list[ReferencePrice]:
    """Prices of ticks, given from the last published to the first with the second from which each was known.

    Within one second the last published counts, and one published before it only for as long as that was not known.
    """
    prices: list[ReferencePrice] = []
    earliest_s: dict[int, int] = {}
    for tick, known_at_s in ticks:
        [price] = prices_of_ticks([tick], source)
        # Their `at_s` is the first whole second after it was published, and rounding up keeps the order of instants.
        if price.at_s not in earliest_s or known_at_s < earliest_s[price.at_s]:
            earliest_s[price.at_s] = known_at_s
            prices.append(replace(price, available_at_s=known_at_s))
    return prices[::-1]
