"""`oof chart`: a mint's candles as a picture."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.other_homes import hint_at_other_homes
from oof_pipelines.commands.sql import VIEWS_FOLDER
from oof_pipelines.commands.sql_output import visible
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.renderer.candle_chart import ChartCandle, ChartLabels, draw_candles
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url

STEPS = {"1m": timedelta(minutes=1), "5m": timedelta(minutes=5), "1h": timedelta(hours=1)}
QUOTES = {"SOL": NATIVE_MINT, "USDC": USDC_MINT, "USDT": USDT_MINT}
_SYMBOLS = {mint: symbol for symbol, mint in QUOTES.items()}
# What fits beside each other and can still be told apart.
_MOST_CANDLES = 400
_LONGEST_SYMBOL = 24
_SHOWN_ENDS = 4

EPILOG = """\b
Examples:
  oof chart MINT                                  its latest candles of a minute, to MINT.png
  oof chart MINT --tf 1h --quote USDC --out bonk.png
  oof chart MINT --since 2026-06-29T12:00 --until 2026-06-29T14:00
  OOF_HOME=.oof/demo oof chart MINT               of what `make demo` stored
"""


@click.command(epilog=EPILOG)
@click.argument("mint")
@click.option("--tf", "timeframe", type=click.Choice(list(STEPS)), default="1m", show_default=True)
@click.option("--quote", type=click.Choice(list(QUOTES)), help="The money; default: what it is traded for most.")
@click.option("--since", type=click.DateTime(), help="UTC; from this time on.")
@click.option("--until", type=click.DateTime(), help="UTC; before this time.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file; default: MINT.png here.")
@plain_errors
def chart(
    mint: str, timeframe: str, quote: str | None, since: datetime | None, until: datetime | None, out: Path | None
) -> None:
    """Draw the candles of MINT, made from decoded swaps, with volume and VWAP, as a PNG of 1200 × 675.

    Of the time before its newest candle in which 400 fit, unless --since says from when on; never more than the latest 400.
    Prices are in the quote a whole token.
    """
    if not is_pubkey(mint):
        raise click.ClickException(f"{visible(mint)} is no mint: an address has 32 to 44 characters of base58")
    path = out or Path(f"{mint}.png")
    # Asked before the work, so that nobody waits for a picture that has no place.
    if not path.parent.is_dir():
        raise click.ClickException(f"--out: {visible(str(path.parent))} is no folder")
    settings = load_settings()
    hint_at_other_homes(settings)
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    with QueryEngine(ParquetStore(settings.store), url, VIEWS_FOLDER) as engine:
        quote_mint = QUOTES[quote] if quote else _most_traded_quote(engine, mint, timeframe, since, until)
        rows = _rows(engine, mint, quote_mint, timeframe, since, until) if quote_mint else []
        if not rows:
            raise click.ClickException(_nothing(engine, mint, timeframe, quote))
        labels = ChartLabels(_name(engine, mint), _symbol(quote_mint), timeframe, "prices from decoded swaps")
    picture = draw_candles([_candle(row) for row in rows], STEPS[timeframe], labels)
    try:
        path.write_bytes(picture)
    except OSError as error:
        raise click.ClickException(f"--out: cannot write {visible(str(path))} ({error.strerror})") from None
    click.echo(
        f"{path}: {len(rows)} candles of {timeframe}, {rows[0][0]:%Y-%m-%d %H:%M} to {rows[-1][0]:%Y-%m-%d %H:%M}"
    )


def _most_traded_quote(
    engine: QueryEngine, mint: str, timeframe: str, since: datetime | None, until: datetime | None
) -> str:
    """The quote mint most of the mint's believed trades are in, money before coins; '' where nothing is priced."""
    money = ", ".join(f"'{address}'" for address in QUOTES.values())
    query = (
        f"select quote_mint from price_{timeframe} where {_where(mint, since, until)} and vwap is not null "  # noqa: S608
        f"group by 1 order by quote_mint in ({money}) desc, sum(trades) desc, quote_mint limit 1"
    )
    return next((str(row[0]) for row in engine.query(query)), "")


def _rows(
    engine: QueryEngine, mint: str, quote_mint: str, timeframe: str, since: datetime | None, until: datetime | None
) -> list[tuple[Any, ...]]:
    query = (
        "select bucket_start, open, high, low, close, vwap, units(quote_volume_raw, quote_decimals), trades, "  # noqa: S608
        f"excluded_trades from price_{timeframe} where {_where(mint, since, until)} and quote_mint = '{quote_mint}' "
        f"and vwap is not null order by bucket_start desc limit {_MOST_CANDLES}"
    )
    rows = list(engine.query(query))[::-1]
    if since or not rows:
        return rows
    # A coin that slept for a year would be two dots at the edges.
    first_at = rows[-1][0] - (_MOST_CANDLES - 1) * STEPS[timeframe]
    return [row for row in rows if row[0] >= first_at]


def _where(mint: str, since: datetime | None, until: datetime | None) -> str:
    """An address is base58 and a time has no quote, so neither can end the literal it stands in."""
    conditions = [f"mint = '{mint}'"]
    if since:
        conditions.append(f"bucket_start >= timestamptz '{since:%Y-%m-%d %H:%M:%S}+00'")
    if until:
        conditions.append(f"bucket_start < timestamptz '{until:%Y-%m-%d %H:%M:%S}+00'")
    return " and ".join(conditions)


def _candle(row: tuple[Any, ...]) -> ChartCandle:
    start_at, opened, high, low, close, vwap, volume, trades, excluded = row
    return ChartCandle(start_at, opened, high, low, close, vwap, Decimal(volume or 0), trades, excluded)


def _name(engine: QueryEngine, mint: str) -> str:
    """The token's symbol, where its launch told one, with the ends of its address."""
    query = f"select symbol from tokens where mint = '{mint}' and symbol is not null"  # noqa: S608
    symbol = next((str(row[0]) for row in engine.query(query)), "")
    address = f"{mint[:_SHOWN_ENDS]}…{mint[-_SHOWN_ENDS:]}"
    symbol = re.sub(r"\s+", " ", visible(symbol)).strip()[:_LONGEST_SYMBOL]
    return f"{symbol} ({address})" if symbol else address


def _symbol(mint: str) -> str:
    return _SYMBOLS.get(mint, f"{mint[:_SHOWN_ENDS]}…{mint[-_SHOWN_ENDS:]}")


def _nothing(engine: QueryEngine, mint: str, timeframe: str, quote: str | None) -> str:
    """Why there is nothing to draw, and what could be asked for instead."""
    query = (
        f"select mint, sum(trades) from price_{timeframe} where vwap is not null group by 1 order by 2 desc, 1 limit 1"  # noqa: S608
    )
    other = next((str(row[0]) for row in engine.query(query)), "")
    asked = f"{mint} has no {timeframe} candle{f' in {quote}' if quote else ''} in the time asked for"
    return f"{asked}; most traded is {other}" if other else f"{asked}; no candle is stored (`oof fold` makes them)"
