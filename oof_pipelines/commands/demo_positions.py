"""What a demo shows of positions: how many there are, the largest realised trades, and the moments by kind."""

from typing import Any

import click

from oof_pipelines.commands.sql_output import print_table
from oof_pipelines.storage.duckdb import QueryEngine

_COUNTS = """
select (select count(*) from lots), (select count(*) from realized_trades), (select count(*) from episodes),
       (select count(*) from oof_moments)
"""
_TOP = """
select wallet, mint, kind, sold_at, proceeds_usd, cost_usd, basis_status, realized_pnl_usd, average_pnl_usd
from realized_trades
where realized_pnl_usd <> 0
order by abs(realized_pnl_usd) desc, exit_id limit 5
"""


class PositionTables:
    """Counts and the table, read while the engine is open and printed later."""

    def __init__(self, engine: QueryEngine) -> None:
        self.lots, self.realized_trades, self.episodes, self.moments = next(iter(engine.query(_COUNTS)))
        result = engine.query(_TOP)
        self._columns, self._rows = result.columns, list(result)

    def print(self) -> None:
        """One line of counts, then the exits that gained or lost most; no table where none has a known PnL."""
        click.echo(
            f"positions: lots={self.lots} realized_trades={self.realized_trades} episodes={self.episodes} "
            f"moments={self.moments}"
        )
        if self._rows:
            click.echo("realised most, or lost most, in dollars")
            print_table(self._columns, map(_shortened, self._rows))


def _shortened(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Decimals without the zeros that fill 18 places."""
    return tuple(f"{value.normalize():f}" if hasattr(value, "normalize") else value for value in row)
