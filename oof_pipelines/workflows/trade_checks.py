"""What must hold between the datasets of trades: legs and their routes, routes and their actions, fees and their swaps.

Each check gives (whether it passed, one line). The frames have passed their schemas.
"""

import polars as pl

_EXAMPLES = 3
_TRADE = ["signature", "path", "wallet", "asset", "amount_raw", "bought_asset", "bought_raw"]
_LEG_PLACE = ["signature", "log_idx", "program_id", "pool"]
_SWAP_KEY = ["signature", "path", "is_route", "ordinal"]

Outcome = tuple[bool, str]


def legs_have_routes(swaps: pl.DataFrame) -> Outcome:
    """Every leg names a route row of its transaction, and every route row names itself."""
    routes = swaps.filter("is_route").select(
        "signature", pl.col("path").alias("route_path"), pl.col("ordinal").alias("route_ordinal")
    )
    orphans = swaps.join(routes, on=["signature", "route_path", "route_ordinal"], how="anti")
    strays = swaps.filter(
        pl.col("is_route") & ((pl.col("path") != pl.col("route_path")) | (pl.col("ordinal") != pl.col("route_ordinal")))
    )
    return _outcome(pl.concat([orphans, strays]), f"{swaps.height - routes.height} legs of {routes.height} routes")


def amounts_are_positive(swaps: pl.DataFrame) -> Outcome:
    """No trade gives nothing for nothing; dust may well be sold for nothing."""
    nothing = (pl.col("sold_raw") <= 0) & (pl.col("bought_raw") <= 0)
    below = (pl.col("sold_raw") < 0) | (pl.col("bought_raw") < 0)
    return _outcome(swaps.filter(nothing | below), f"{swaps.height} swaps")


def routes_are_actions(swaps: pl.DataFrame, actions: pl.DataFrame) -> Outcome:
    """Each route is one swap action of the same trader and amounts, and each swap action is a route."""
    routes = (
        swaps.filter("is_route")
        .rename({"trader": "wallet", "sold_mint": "asset", "sold_raw": "amount_raw", "bought_mint": "bought_asset"})
        .select(_TRADE)
    )
    acted = actions.filter(pl.col("kind") == "swap").select(_TRADE)
    # By number of each: two equal trades at one path are two actions.
    counted, wanted = (frame.group_by(_TRADE).len() for frame in (routes, acted))
    differing = pl.concat(
        [counted.join(wanted, on=counted.columns, how="anti"), wanted.join(counted, on=wanted.columns, how="anti")]
    )
    return _outcome(differing, f"{routes.height} routes, {acted.height} swap actions")


def fees_have_swaps(fee_parts: pl.DataFrame, swaps: pl.DataFrame) -> Outcome:
    """Every part of a fee is of a row of swaps."""
    return _outcome(fee_parts.join(swaps, on=_SWAP_KEY, how="anti"), f"{fee_parts.height} parts of fees")


def trades_are_legs(market_events: pl.DataFrame, swaps: pl.DataFrame) -> Outcome:
    """Each trade of the stream is one leg of swaps, of the same place and amounts, and each leg of two mints is a trade."""
    is_buy = pl.col("is_buy")
    sides = {"sold_mint": ("quote_mint", "mint"), "sold_raw": ("quote_raw", "base_raw")}
    sides |= {"bought_mint": ("mint", "quote_mint"), "bought_raw": ("base_raw", "quote_raw")}
    trades = market_events.filter(pl.col("kind") == "trade").select(
        *_LEG_PLACE,
        *(pl.when(is_buy).then(bought).otherwise(sold).alias(name) for name, (bought, sold) in sides.items()),
    )
    legs = swaps.filter(~pl.col("is_route") & (pl.col("sold_mint") != pl.col("bought_mint"))).select(trades.columns)
    counted, wanted = (frame.group_by(frame.columns).len() for frame in (trades, legs))
    differing = pl.concat(
        [counted.join(wanted, on=counted.columns, how="anti"), wanted.join(counted, on=wanted.columns, how="anti")]
    )
    named = differing.with_columns(path=pl.col("log_idx").cast(pl.String))
    return _outcome(named, f"{trades.height} trades, {legs.height} legs")


def _outcome(offending: pl.DataFrame, detail: str) -> Outcome:
    if offending.is_empty():
        return True, detail
    examples = offending.select("signature", "path").unique().sort("signature", "path").head(_EXAMPLES).rows()
    named = ", ".join(f"{signature} {path}" for signature, path in examples)
    return False, f"{offending.height} of {detail} do not hold, e.g. {named}"
