"""Trades made ready to be grouped: in chain order, seen from either coin, with whole-number keys and a price each."""

from dataclasses import dataclass

import polars as pl

from oof_pipelines.pricing.exact import PLACES, scaled_ratio
from oof_pipelines.pricing.filters import MONEY_DECIMALS, MONEY_MINTS

MINUTE_S = 60
TRADE_COLUMNS = (
    "slot",
    "tx_index",
    "signature",
    "log_idx",
    "ordinal",
    "block_time",
    "mint",
    "quote_mint",
    "signer",
    "base_raw",
    "quote_raw",
    "base_decimals",
    "quote_decimals",
    "base_reserve_raw",
    "quote_reserve_raw",
)
"""What candles read of market_events, of rows whose kind is trade."""

_ORDER = ("slot", "tx_index", "signature", "log_idx", "ordinal")
ORDERED_TRADE_COLUMNS = tuple(name for name in TRADE_COLUMNS if name not in _ORDER)
"""What suffices of trades that come in the chain's order."""

# Prices from 100 trillion quote units on are none: times a dollar rate they would not fit Decimal(38,18).
MOST_PRICE = 10 ** (14 + PLACES)
_MONEY = list(MONEY_MINTS.values())


@dataclass(frozen=True, slots=True)
class CodedTrades:
    """`rows`: a trade a row, sorted by `key` and within it in chain order: key (Int64, of pair and minute), signer (UInt32,
    a code), price (Int128, quote units a whole coin × 10^18; null where it cannot be said), base_raw, quote_raw,
    quote_reserve_raw (Int128). `groups`: a row a key, sorted: key, pair (Int64), mint, quote_mint, minute (Int64 since
    1970), base_decimals, quote_decimals.
    """

    rows: pl.DataFrame
    groups: pl.DataFrame


def known_decimals(trades: pl.LazyFrame) -> pl.DataFrame:
    """mint → decimals, of every mint that any of the trades shows them of. A mint's decimals never change."""
    sides = [
        trades.select(mint=mint, decimals=decimals)
        for mint, decimals in (("mint", "base_decimals"), ("quote_mint", "quote_decimals"))
    ]
    of_money = pl.LazyFrame({"mint": _MONEY, "decimals": [MONEY_DECIMALS[mint] for mint in _MONEY]}).with_columns(
        pl.col("decimals").cast(pl.Int16)
    )
    seen = pl.concat(sides).drop_nulls().group_by("mint").agg(pl.col("decimals").max())
    return pl.concat([seen.join(of_money, on="mint", how="anti"), of_money]).sort("mint").collect()


def code_trades(trades: pl.DataFrame, decimals: pl.DataFrame) -> CodedTrades:
    """Trades of any stretch of time; `decimals` as `known_decimals` gives them.

    They come in any order with the columns `TRADE_COLUMNS`, or in the chain's with `ORDERED_TRADE_COLUMNS` alone.
    """
    is_ordered = not set(_ORDER) & set(trades.columns)
    ordered = trades if is_ordered else _in_chain_order(trades)
    ordered = _both_ways(ordered.select(ORDERED_TRADE_COLUMNS))
    ordered = _with_decimals(ordered, decimals)
    # Categories of their own, so that codes are dense, and go when the frame goes.
    mints, signers = pl.Categories.random(), pl.Categories.random()
    coded = ordered.with_columns(
        pl.col("mint", "quote_mint").cast(pl.Categorical(mints)).to_physical().cast(pl.Int64).name.suffix("_code"),
        pl.col("signer").cast(pl.Categorical(signers)).to_physical(),
        (pl.col("block_time").dt.epoch("s") // MINUTE_S).alias("minute"),
    )
    mint_count = max(_most(coded["mint_code"]), _most(coded["quote_mint_code"])) + 1
    first_minute = _least(coded["minute"])
    minute_count = _most(coded["minute"]) - first_minute + 1
    if mint_count**2 * minute_count >= 2**63:
        raise ValueError(f"{mint_count} mints over {minute_count} minutes are too many for one frame")
    pair = pl.col("mint_code") * mint_count + pl.col("quote_mint_code")
    coded = coded.with_columns(pair.alias("pair")).with_columns(
        (pl.col("pair") * minute_count + (pl.col("minute") - first_minute)).alias("key")
    )
    coded = coded.drop("mint_code", "quote_mint_code").sort("key", maintain_order=True)
    names = ("pair", "mint", "quote_mint", "minute", "base_decimals", "quote_decimals")
    groups = coded.group_by("key", maintain_order=True).agg(pl.col(names).first())
    rows = coded.select(
        "key",
        "signer",
        _price(coded),
        pl.col("base_raw", "quote_raw", "quote_reserve_raw").cast(pl.Int128),
    )
    return CodedTrades(rows, groups)


def _price(coded: pl.DataFrame) -> pl.Series:
    power = coded.select(pl.col("base_decimals").cast(pl.Int64) - pl.col("quote_decimals").cast(pl.Int64) + PLACES)
    price = scaled_ratio(coded["quote_raw"], power.to_series(), coded["base_raw"])
    limit = pl.lit(MOST_PRICE, dtype=pl.Int128)
    return pl.DataFrame({"price": price}).select(pl.when(pl.col("price") < limit).then("price"))["price"]


def _in_chain_order(trades: pl.DataFrame) -> pl.DataFrame:
    """Sorted as the files are. They mostly come that way, and to see that is cheaper than to sort."""
    if trades.height < 2 or trades.select(_is_in_order()).item():
        return trades
    return trades.sort(_ORDER, nulls_last=True)


def _is_in_order() -> pl.Expr:
    """Whether no row comes before the one above it, column after column; an unknown tx_index comes last in its slot."""
    unknown = pl.lit(2**31 - 1, dtype=pl.Int64)
    is_after: pl.Expr = pl.lit(True)
    for name in reversed(_ORDER):
        value = pl.col(name).fill_null(unknown) if name == "tx_index" else pl.col(name)
        above = value.shift(1)
        is_after = (value > above) | ((value == above) & is_after)
    return is_after.slice(1).all()


def _both_ways(trades: pl.DataFrame) -> pl.DataFrame:
    """A trade of two coins is a trade of either: it comes a second time, at its place, seen from the other coin."""
    numbered = trades.with_row_index("place")
    turned = numbered.filter(~pl.col("quote_mint").is_in(_MONEY))
    if turned.is_empty():
        return trades
    swapped = {
        "mint": "quote_mint",
        "base_raw": "quote_raw",
        "base_decimals": "quote_decimals",
        "base_reserve_raw": "quote_reserve_raw",
    }
    both = {**swapped, **{new: old for old, new in swapped.items()}}
    seen = pl.concat([numbered, turned.rename(both).select(numbered.columns)])
    return seen.sort("place", maintain_order=True).drop("place")


def _with_decimals(trades: pl.DataFrame, decimals: pl.DataFrame) -> pl.DataFrame:
    """Decimals that the trade itself does not show, from those of its day that do."""
    for mint, column in (("mint", "base_decimals"), ("quote_mint", "quote_decimals")):
        if trades[column].null_count():
            found = decimals.rename({"mint": mint, "decimals": "known"})
            joined = trades.join(found, on=mint, how="left", maintain_order="left")
            trades = joined.with_columns(pl.coalesce(column, "known").alias(column)).drop("known")
    return trades


def _most(column: pl.Series) -> int:
    return int(column.max() or 0)  # type: ignore[arg-type]


def _least(column: pl.Series) -> int:
    return int(column.min() or 0)  # type: ignore[arg-type]
