"""`oof quote`: what a swap would bring now, and kept, since nobody tells the quotes of the past."""

import asyncio
import json
import random

import click

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.numbers import WholeNumber
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.pricing.readings import JUPITER, Quote
from oof_pipelines.settings import Settings, load_settings
from oof_pipelines.storage.postgres.database import ready_database_url
from oof_pipelines.storage.postgres.market_data import PostgresMarketData
from oof_pipelines.transport.market.clients import open_market_clients
from oof_pipelines.transport.system_clock import SystemClock
from oof_pipelines.workflows.refresh_quotes import SLIPPAGE_BPS, ask_quote

_MINTS = {"SOL": NATIVE_MINT, "USDC": USDC_MINT, "USDT": USDT_MINT}
AMOUNT_RAW = WholeNumber(1, 10**18 - 1)
"""In base units."""

EPILOG = """\b
Examples:
  oof quote SOL USDC 1000000000                    one SOL in USDC
  oof quote USDC MINT 25000000 --slippage-bps 100  25 USDC in a coin, 1 % slippage
  oof sql "select * from quotes order by asked_at desc limit 5"
"""


class Mint(click.ParamType[str]):
    """A mint's address, or SOL, USDC or USDT."""

    name = "mint"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        mint = _MINTS.get(value.upper(), value)
        if not is_pubkey(mint):
            self.fail(f"{value!r} is neither a mint's address nor {', '.join(_MINTS)}", param, ctx)
        return mint


@click.command(epilog=EPILOG)
@click.argument("sold", type=Mint())
@click.argument("bought", type=Mint())
@click.argument("amount", type=AMOUNT_RAW)
@click.option(
    "--slippage-bps", type=WholeNumber(0, 10_000), default=SLIPPAGE_BPS, show_default=True, help="In basis points."
)
@click.option("--json", "is_json", is_flag=True, help="As one JSON object.")
@plain_errors
def quote(sold: str, bought: str, amount: int, slippage_bps: int, is_json: bool) -> None:
    """Ask Jupiter what AMOUNT of SOLD would bring in BOUGHT, print it, and keep it in the table quotes.

    AMOUNT is in base units: 1000000000 is one SOL, 1000000 one USDC. The settings are JUPITER_BASE_URL and
    JUPITER_API_KEY.
    """
    if sold == bought:
        raise click.UsageError("SOLD and BOUGHT are the same mint")
    settings = load_settings()
    url = ready_database_url(settings.database_url, settings.home, settings.migrations_folder)
    answer = asyncio.run(_ask(settings, url, sold, bought, amount, slippage_bps))
    if answer is None:
        raise click.ClickException(f"{JUPITER}: there is no route from {sold} to {bought}")
    click.echo(json.dumps(_fields(answer)) if is_json else "\n".join(_lines(answer)))


async def _ask(settings: Settings, url: str, sold: str, bought: str, amount: int, slippage_bps: int) -> Quote | None:
    clock = SystemClock()
    clients = open_market_clients(settings.market, clock=clock, randomness=random.Random())  # noqa: S311 - jitter
    async with PostgresMarketData(lambda: url) as store, clients as opened:
        return await ask_quote(
            opened.jupiter,
            JUPITER,
            store,
            clock,
            sold_mint=sold,
            bought_mint=bought,
            sold_raw=amount,
            slippage_bps=slippage_bps,
        )


def _fields(answer: Quote) -> dict[str, object]:
    return {
        "source": answer.source,
        "sold_mint": answer.sold_mint,
        "sold_raw": str(answer.sold_raw),
        "bought_mint": answer.bought_mint,
        "bought_raw": str(answer.bought_raw),
        "least_bought_raw": str(answer.other_amount_threshold_raw),
        "slippage_bps": answer.slippage_bps,
        "price_impact": None if answer.price_impact is None else format(answer.price_impact, "f"),
        "labels": list(answer.labels),
        "slot": answer.slot,
        "asked_at": answer.asked_at.isoformat(),
    }


def _lines(answer: Quote) -> list[str]:
    # A label is the service's text: as JSON it cannot drive the terminal.
    route = " → ".join(json.dumps(label, ensure_ascii=True)[1:-1] for label in answer.labels)
    impact = "unknown" if answer.price_impact is None else format(answer.price_impact, "f")
    return [
        f"sold    {answer.sold_raw} of {answer.sold_mint}",
        f"bought  {answer.bought_raw} of {answer.bought_mint}",
        f"least   {answer.other_amount_threshold_raw} at {answer.slippage_bps} bps slippage",
        f"impact  {impact}",
        f"route   {route or 'not told'}",
        f"slot    {answer.slot if answer.slot is not None else 'not told'}, asked {answer.asked_at:%Y-%m-%d %H:%M:%S} UTC",
    ]
