"""What a demo shows of the market: candles and features of the most traded coin."""

from collections.abc import Iterator
from typing import Any

import click

from oof_pipelines.commands.sql_output import print_table
from oof_pipelines.decode.money import QUOTE_MINTS
from oof_pipelines.storage.duckdb import QueryEngine

_ROWS_SHOWN = 12

_MOST_TRADED = """
select mint, quote_mint from price_1m
where vwap is not null and mint not in ({money}) and quote_mint in ({money})
group by mint, quote_mint order by sum(trades) desc, mint, quote_mint limit 1
"""
_CANDLES = """
select bucket_start, open, high, low, close, vwap, units(quote_volume_raw, quote_decimals) as volume_quote, trades,
       excluded_trades, signers, confidence
from price_1m where mint = '{mint}' and quote_mint = '{quote_mint}' and vwap is not null
order by trades desc, bucket_start limit {rows}
"""
_FEATURES = """
select bucket_start, venue, trades, uniq_signers, vol_in_sol, vol_out_sol, net_inflow_sol, whale_share_top5, price_change,
       realised_volatility
from features_1m where mint = '{mint}' and quote_mint = '{quote_mint}'
order by trades desc, bucket_start, venue limit {rows}
"""


class MarketTables:
    """The two tables, read while the engine is open and printed later."""

    def __init__(self, engine: QueryEngine) -> None:
        money = ", ".join(f"'{mint}'" for mint in QUOTE_MINTS)
        found = next(iter(engine.query(_MOST_TRADED.format(money=money))), None)
        self.mint = str(found[0]) if found else ""
        self._tables: dict[str, tuple[list[str], list[tuple[Any, ...]]]] = {}
        if found is None:
            return
        for title, query in (
            ("candles of a minute, in its quote", _CANDLES),
            ("features a minute and venue", _FEATURES),
        ):
            result = engine.query(query.format(mint=self.mint, quote_mint=found[1], rows=_ROWS_SHOWN))
            self._tables[title] = result.columns, list(result)

    def print(self) -> None:
        """The tables with their titles, the busiest minutes first; one line where no coin was traded for money."""
        if not self.mint:
            click.echo("market: no coin was traded for SOL, USDC or USDT")
        for title, (columns, rows) in self._tables.items():
            click.echo(f"most traded coin {self.mint}: {title} (the busiest {_ROWS_SHOWN} at most)")
            print_table(columns, _shortened(rows))


def _shortened(rows: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Decimals without the zeros that fill 18 places."""
    for row in rows:
        yield tuple(f"{value.normalize():f}" if hasattr(value, "normalize") else value for value in row)
