"""Our candles of recorded trades, held against candles that others made of the same coins (`oof bench prices --compare`).

Two recordings have trades and candles of the same coins. The first five minutes of thirteen PumpSwap coins, beside hourly
candles of GeckoTerminal, in dollars; no price of a SOL is recorded for those days, so one is fitted (`fitted_sol_usd`). And a
hundred Meteora trades in USDC with the price that Moralis states of each.
"""

import gzip
import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import polars as pl

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.config_files import read_config
from oof_pipelines.pricing.candles import day_candles
from oof_pipelines.pricing.coded_trades import TRADE_COLUMNS, known_decimals
from oof_pipelines.pricing.filters import MONEY_DECIMALS, read_filters
from oof_pipelines.pricing.reference import ReferencePrices
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS

GECKO = "mint_ohlcv/geckoterminal_ohlcv_by_mint.json.gz"
MORALIS = "moralis/get-pair-trades-response.json"
_PUMP_DECIMALS = 6
# Within the recording such a coin fell to where its hour's low is.
_FALL = 5
_EXAMPLE_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class HourBesideGecko:
    """One coin's hour: the range of our candle, that of all its trades as they came (both in SOL), and Gecko's (dollars)."""

    mint: str
    hour: datetime
    believed: int
    excluded: dict[str, int]
    low: Decimal
    high: Decimal
    unfiltered_low: Decimal
    unfiltered_high: Decimal
    gecko_low_usd: Decimal
    gecko_high_usd: Decimal


@dataclass(frozen=True, slots=True)
class TradesBesideMoralis:
    """Our minutes of one pair's trades beside the prices stated of them, and how far those are off the trades' amounts."""

    trades: int
    believed: int
    minutes: int
    least_stated: Decimal
    most_stated: Decimal
    low: Decimal
    high: Decimal
    largest_difference_ppm: Decimal


def compare_recorded(folder: Path) -> None:
    """Print both comparisons."""
    hours = beside_gecko(folder)
    rate = fitted_sol_usd(hours)
    click.echo(f"our candles of {len(hours)} coin-hours beside GeckoTerminal's; a SOL fitted at {rate:.1f} dollars")
    click.echo(
        "mint      believed  dust outlier none   our low … high (dollars)    unfiltered                Gecko's hour"
    )
    for one in hours:
        ours = f"{one.low * rate:.2e} … {one.high * rate:.2e}"
        unfiltered = f"{one.unfiltered_low * rate:.2e} … {one.unfiltered_high * rate:.2e}"
        gecko = f"{one.gecko_low_usd:.2e} … {one.gecko_high_usd:.2e}"
        left_out = one.excluded
        click.echo(
            f"{one.mint[:_EXAMPLE_COLUMNS]}  {one.believed:8}  {left_out['dust']:4} {left_out['outlier']:7} "
            f"{left_out['unpriced']:4}   {ours}   {unfiltered}   {gecko}"
        )
    within = sum(one.high * rate <= one.gecko_high_usd * _SLACK for one in hours)
    above = sum(one.unfiltered_high * rate > one.gecko_high_usd * _SLACK for one in hours)
    click.echo(
        f"highs not above Gecko's hour (15 % slack for the fitted rate): ours {within}; unfiltered {len(hours) - above}"
    )
    pair = beside_moralis(folder)
    click.echo(
        f"Moralis, {pair.trades} trades of a pair in USDC: {pair.believed} believed over {pair.minutes} minutes, "
        f"low … high {pair.low.normalize()} … {pair.high.normalize()}, stated {pair.least_stated} … {pair.most_stated}; "
        f"a stated price is at most {pair.largest_difference_ppm:.2f} ppm off quote ÷ base"
    )


_SLACK = Decimal("1.15")


def fitted_sol_usd(hours: list[HourBesideGecko]) -> Decimal:
    """Dollars a SOL: the median of Gecko's low ÷ ours, of coins that fell to their low within the recording."""
    fallen = [one.gecko_low_usd / one.low for one in hours if one.high >= _FALL * one.low]
    return statistics.median(fallen)


def beside_gecko(folder: Path) -> list[HourBesideGecko]:
    """Every hour of a recorded coin that has believed trades and a candle of Gecko's, by mint and hour."""
    gecko = json.loads(gzip.decompress((folder / GECKO).read_bytes()), parse_float=Decimal)
    hours = []
    for path in sorted((folder / "swaps_by_mint").glob("*.json")):
        recorded = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        mint, swaps = recorded["mint"], recorded["swaps"]
        candles = _candles(_pump_row(mint, place, swap) for place, swap in enumerate(swaps))
        theirs = {row[0]: row for row in gecko[mint]["ohlcv"]}
        for candle in candles.filter(pl.col("vwap").is_not_null()).sort("bucket_start").iter_rows(named=True):
            second = int(candle["bucket_start"].timestamp())
            stated = [s["price"] for s in swaps if s["price"] and second <= s["ts"] < second + 3_600]
            if second in theirs:
                _, _, high_usd, low_usd, _, _ = theirs[second]
                hours.append(_beside(candle, stated, Decimal(low_usd), Decimal(high_usd)))
    return hours


def beside_moralis(folder: Path) -> TradesBesideMoralis:
    """The recorded trades of one pair, and the price that was stated of each."""
    answer = json.loads((folder / MORALIS).read_text(encoding="utf-8"), parse_float=Decimal)
    mint, quote = answer["baseToken"], answer["quoteToken"]
    swaps = answer["result"]
    rows = [
        _row(
            (mint["address"], quote["address"]),
            (int(mint["decimals"]), int(quote["decimals"])),
            (Decimal(swap["baseTokenAmount"]), Decimal(swap["quoteTokenAmount"])),
            datetime.fromisoformat(swap["blockTimestamp"]),
            (swap["blockNumber"], swap["transactionIndex"], swap["transactionHash"], swap["walletAddress"]),
        )
        for swap in swaps
    ]
    candles = _candles(rows, "1m")
    priced = candles.filter(pl.col("vwap").is_not_null())
    stated = [Decimal(swap["baseQuotePrice"]) for swap in swaps]
    off = [
        abs(price * Decimal(swap["baseTokenAmount"]) / Decimal(swap["quoteTokenAmount"]) - 1) * 1_000_000
        for price, swap in zip(stated, swaps, strict=True)
        # Fewer digits than a price has say nothing of it.
        if min(Decimal(swap["baseTokenAmount"]), Decimal(swap["quoteTokenAmount"])) >= 1
    ]
    return TradesBesideMoralis(
        trades=len(swaps),
        believed=int(candles["trades"].sum()),
        minutes=priced.height,
        least_stated=min(stated),
        most_stated=max(stated),
        low=min(priced["low"]),
        high=max(priced["high"]),
        largest_difference_ppm=max(off),
    )


def _beside(candle: dict[str, Any], stated: list[Decimal], low_usd: Decimal, high_usd: Decimal) -> HourBesideGecko:
    return HourBesideGecko(
        mint=candle["mint"],
        hour=candle["bucket_start"],
        believed=candle["trades"],
        excluded={name: candle[f"excluded_{name}"] for name in ("unpriced", "dust", "thin", "outlier")},
        low=candle["low"],
        high=candle["high"],
        unfiltered_low=min(stated),
        unfiltered_high=max(stated),
        gecko_low_usd=low_usd,
        gecko_high_usd=high_usd,
    )


def _pump_row(mint: str, place: int, swap: dict[str, Any]) -> dict[str, Any]:
    """A recorded swap as a trade: `sol` is rounded to four places, price × tokens is not. One without a price has none."""
    tokens = Decimal(swap["tokens"])
    sol = (swap["price"] or Decimal(0)) * tokens
    at = datetime.fromtimestamp(swap["ts"], UTC)
    decimals = (_PUMP_DECIMALS, MONEY_DECIMALS[NATIVE_MINT])
    return _row((mint, NATIVE_MINT), decimals, (tokens, sol), at, (place, 0, f"{place:06}", swap["trader"]))


def _row(
    mints: tuple[str, str],
    decimals: tuple[int, int],
    amounts: tuple[Decimal, Decimal],
    at: datetime,
    place: tuple[int, int, str, str],
) -> dict[str, Any]:
    raw = [round(amount.scaleb(places)) for amount, places in zip(amounts, decimals, strict=True)]
    slot, tx_index, signature, signer = place
    return {
        "slot": slot,
        "tx_index": tx_index,
        "signature": signature,
        "log_idx": 1,
        "ordinal": 0,
        "block_time": at,
        "mint": mints[0],
        "quote_mint": mints[1],
        "signer": signer,
        "base_raw": Decimal(raw[0]),
        "quote_raw": Decimal(raw[1]),
        "base_decimals": decimals[0],
        "quote_decimals": decimals[1],
        "base_reserve_raw": None,
        "quote_reserve_raw": None,
    }


def _candles(rows: Iterable[dict[str, Any]], timeframe: str = "1h") -> pl.DataFrame:
    trades = pl.DataFrame(list(rows), schema={name: MARKET_EVENTS.columns[name] for name in TRADE_COLUMNS})
    filters = read_filters(read_config("prices.yaml"))
    return day_candles(trades, known_decimals(trades.lazy()), filters, ReferencePrices(()))[timeframe]
