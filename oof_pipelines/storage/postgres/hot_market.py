"""The market's stream as the feed read it and no file holds it yet: trades and what tells pools' reserves, of some coins."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import polars as pl
import psycopg

from oof_pipelines.market.events import TRADE
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.pool_events import POOL_EVENT_KINDS
from oof_pipelines.storage.postgres.session import session_options
from oof_pipelines.storage.postgres.touch_statements import MONEY

_CONNECT_TIMEOUT_SECONDS = 10
_STATEMENT_TIMEOUT_SECONDS = 120

_OWN = [name for name in MARKET_EVENTS.columns if name not in ("signature", "slot", "tx_index", "block_time")]
_SELECT = f"select h.sig, r.slot, r.tx_index, r.ts, {', '.join(f'h.{name}' for name in _OWN)}"
_MONEY = ", ".join(f"'{mint}'" for mint in sorted(MONEY))
# The condition on money is that of the index.
_TRADES = f"""
{_SELECT} from hot_market_events h join tx_raw r using (sig)
where h.mint = any(%(mints)s) and h.kind = '{TRADE}' and not r.is_decoded
union all
{_SELECT} from hot_market_events h join tx_raw r using (sig)
where h.quote_mint = any(%(mints)s) and h.quote_mint not in ({_MONEY}) and h.kind = '{TRADE}'
  and h.mint <> all(%(mints)s) and not r.is_decoded
"""
_POOL_EVENTS = f"""
{_SELECT} from hot_market_events h join tx_raw r using (sig)
where h.mint = any(%(mints)s) and h.quote_mint = any(%(mints)s) and h.venue = any(%(venues)s) and h.kind = any(%(kinds)s)
  and (r.ts at time zone 'UTC')::date = any(%(days)s) and not r.is_decoded
"""


class PostgresHotMarket:
    """Reads on one connection. Use as a context manager."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(
            database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof refresh prices",
            options=session_options(database_url, _STATEMENT_TIMEOUT_SECONDS),
        )

    def __enter__(self) -> "PostgresHotMarket":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def trades(self, mints: Collection[str]) -> pl.DataFrame:
        """Trades of these coins, on either side, in the columns and the order of market_events."""
        return self._read(_TRADES, {"mints": sorted(mints)})

    def pool_events(self, days: Collection[date], mints: Collection[str], venues: Collection[str]) -> pl.DataFrame:
        """Trades, changed liquidity and graduations of pairs of `mints` at `venues` on these days, likewise."""
        asked = {
            "mints": sorted(mints),
            "venues": sorted(venues),
            "days": sorted(days),
            "kinds": list(POOL_EVENT_KINDS),
        }
        return self._read(_POOL_EVENTS, asked)

    def _read(self, query: str, parameters: dict[str, Any]) -> pl.DataFrame:
        rows: Sequence[tuple[Any, ...]] = self._connection.cursor(binary=True).execute(query, parameters).fetchall()
        return MARKET_EVENTS.arrange(pl.DataFrame(rows, schema=MARKET_EVENTS.columns, orient="row"))
