"""`oof features`: what happened to a coin, minute by minute, out of the files and what the feed has served since."""

from datetime import UTC, datetime

import click

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.other_homes import hint_at_other_homes
from oof_pipelines.commands.sql_output import print_json, print_table
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.database import ready_database_url

EPILOG = """\b
Examples:
  oof features 6p6xgHyF7AeE6TZkSmFsko444wqoP15icUSqi2jfGiPN
  oof features 6p6xgHyF7AeE6TZkSmFsko444wqoP15icUSqi2jfGiPN --since 2026-04-28 --until 2026-04-28T13:00
  oof features 6p6xgHyF7AeE6TZkSmFsko444wqoP15icUSqi2jfGiPN --json | jq -r '.[].net_inflow_sol'
  oof sql most_traded_minutes                 coins worth asking for
"""
_INSTANTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_VIEWS_FOLDER = REPOSITORY_ROOT / "sql" / "views"
# Of all columns those a person looks at, money and shares cut to what is read; --json has every digit of every column.
_TABLE = """
select strftime(bucket_start, '%Y-%m-%d %H:%M') as minute, venue,
       case quote_mint when 'So11111111111111111111111111111111111111112' then 'SOL'
           when 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v' then 'USDC'
           when 'Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB' then 'USDT' else quote_mint end as quote,
       trades, buys, sells, uniq_signers as signers, holders_touched as traders,
       cast(net_inflow_sol as decimal(38, 4)) as net_inflow_sol, cast(volume_usd as decimal(38, 2)) as volume_usd,
       cast(whale_share_top5 as decimal(38, 3)) as top5, cast(large_trade_share as decimal(38, 3)) as large,
       close_price, cast(price_change as decimal(38, 4)) as change,
       cast(realised_volatility as decimal(38, 4)) as volatility, is_hot as fed
"""


@click.command(epilog=EPILOG)
@click.argument("mint")
@click.option("--since", type=click.DateTime(_INSTANTS), help="First minute, UTC.")
@click.option("--until", type=click.DateTime(_INSTANTS), help="Minute before which it ends, UTC.")
@click.option("--json", "is_json", is_flag=True, help="Every column, as a JSON array; decimals are strings.")
@plain_errors
def features(mint: str, since: datetime | None, until: datetime | None, is_json: bool) -> None:
    """The rows of features_1m of the coin MINT: a row a minute, venue and money, oldest first.

    Files and the feed's own rows together, each minute once. `fed` marks rows with trades that no file holds yet. What the
    columns mean is in docs/features.md.
    """
    if not is_pubkey(mint):
        raise click.BadParameter(f"{mint!r} is no address", param_hint="MINT")
    first, last = (None if at is None else at.replace(tzinfo=UTC) for at in (since, until))
    if first is not None and last is not None and first >= last:
        raise click.BadParameter("it ends before it begins", param_hint="--until")
    settings = load_settings()
    hint_at_other_homes(settings)
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    # The address has been checked, and instants are written by us: there is nothing of the user's to quote.
    wanted = [f"mint = '{mint}'"]
    wanted += [f"bucket_start >= timestamptz '{first.isoformat()}'"] if first else []
    wanted += [f"bucket_start < timestamptz '{last.isoformat()}'"] if last else []
    columns = f"select {', '.join(FEATURES_1M.columns)}, is_hot" if is_json else _TABLE
    statement = f"{columns} from features_1m where {' and '.join(wanted)} order by bucket_start, venue, quote_mint"
    with QueryEngine(ParquetStore(settings.store), url, _VIEWS_FOLDER) as engine:
        result = engine.query(statement)
        if is_json:
            print_json(result.columns, iter(result))
        else:
            print_table(result.columns, iter(result))
