"""`oof prices MINT`: a coin's candles, as they are served."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click
import polars as pl

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.other_homes import hint_at_other_homes
from oof_pipelines.commands.sql_output import print_json, print_table
from oof_pipelines.pricing.candle_columns import TIMEFRAMES
from oof_pipelines.pricing.filters import MONEY_MINTS
from oof_pipelines.settings import SettingsError, load_settings
from oof_pipelines.storage.postgres.candles import PostgresCandles
from oof_pipelines.storage.postgres.database import ready_database_url

_SYMBOLS = {mint: symbol for symbol, mint in MONEY_MINTS.items()}
_CANDLES_SHOWN = 100
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
_SHOWN = ("bucket_start", "open", "high", "low", "close", "vwap", "quote", "volume_usd", "vwap_usd", "usd_source")
_COUNTED = ("trades", "signers", "excluded_trades", "source", "confidence")

EPILOG = """\b
Examples:
  oof prices MINT                       its last hundred minutes, in the quote to believe
  oof prices MINT --tf 1h --since 2026-01-01 --until 2026-01-08
  oof prices MINT --all-quotes --json
"""


@click.command("prices", epilog=EPILOG)
@click.argument("mint")
@click.option("--tf", "timeframe", type=click.Choice(list(TIMEFRAMES)), default="1m", show_default=True)
@click.option(
    "--since", type=click.DateTime(_FORMATS), help="From this instant on (UTC). Default: 100 candles' time before."
)
@click.option(
    "--until", type=click.DateTime(_FORMATS), help="Before this instant (UTC). Default: the coin's newest candle."
)
@click.option(
    "--all-quotes", "is_all_quotes", is_flag=True, help="Every pair of the coin, not only the one to believe."
)
@click.option("--json", "is_json", is_flag=True, help="All columns as JSON; amounts and prices as strings.")
@plain_errors
def prices(
    mint: str, timeframe: str, since: datetime | None, until: datetime | None, is_all_quotes: bool, is_json: bool
) -> None:
    """Candles of MINT: prices in whole units of the quote, and in dollars where a source says what a SOL is worth.

    Trades that are not believed (dust, thin pools, outliers) are left out and counted; docs/prices.md tells the rules.
    """
    if not is_pubkey(mint):
        raise SettingsError(f"MINT: {mint[:20]!r} is no address")
    settings = load_settings()
    hint_at_other_homes(settings)
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    with PostgresCandles(url) as served:
        last = until.replace(tzinfo=UTC) if until else served.newest_of(mint, timeframe)
        if last is None:
            raise SettingsError(
                f"MINT: no candle of {mint} is served; `oof sql most_traded_mints` shows which there are"
            )
        length = timedelta(seconds=TIMEFRAMES[timeframe])
        first = since.replace(tzinfo=UTC) if since else last - _CANDLES_SHOWN * length
        if first >= last:
            raise SettingsError(f"--since: {first:%Y-%m-%d %H:%M:%S} is not before {last:%Y-%m-%d %H:%M:%S}")
        candles = served.read(mint, timeframe, first, last)
    if not is_all_quotes:
        candles = candles.filter("is_primary")
    if is_json:
        print_json(candles.columns, iter(candles.rows()))
        return
    quote = pl.col("quote_mint").replace(_SYMBOLS).alias("quote")
    shown = candles.with_columns(quote).select(*_SHOWN, *_COUNTED)
    print_table(list(shown.columns), _plain(shown))


def _plain(frame: pl.DataFrame) -> Any:
    """Rows with decimals without their trailing zeros."""
    for row in frame.iter_rows():
        yield tuple(f"{value:f}".rstrip("0").rstrip(".") if hasattr(value, "as_tuple") else value for value in row)
