"""One bucket: the trades of a coin in one minute at one venue in one money, and the row they make.

A bucket keeps its trades, so that one that comes late, comes twice, or is taken back again leaves exactly the row that a
sorted batch would give.
"""

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from math import isqrt

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.features import exact
from oof_pipelines.features.rows import (
    BUCKET_SECONDS,
    DOLLARS,
    LARGE_TRADE_RAW,
    LEAST_PRICED_RAW,
    MOST_AMOUNT_RAW,
    MOST_PRICED_RAW,
    MOST_VOLUME_RAW,
    PAR,
    QUOTE_DECIMALS,
    WHALES,
    BucketKey,
    FeatureRow,
)
from oof_pipelines.market.events import Trade
from oof_pipelines.pricing.reference import ReferencePrice

TradeId = tuple[str, int, int]
_PPB_IN_E18 = 10**9


class Bucket:
    """`trades` by (signature, log_idx, ordinal), in the order in which they came."""

    __slots__ = ("key", "trades")

    def __init__(self, key: BucketKey) -> None:
        self.key = key
        self.trades: dict[TradeId, Trade] = {}


def is_counted(trade: Trade) -> bool:
    """Whether its amounts are ones that a token account can hold."""
    return 0 <= trade.base_raw <= MOST_AMOUNT_RAW and 0 <= trade.quote_raw <= MOST_AMOUNT_RAW


def trade_id(trade: Trade) -> TradeId:
    place = trade.place
    return (place.signature, place.log_idx, place.ordinal)


def key_of(trade: Trade) -> BucketKey:
    at_s = trade.place.block_time_s
    return (trade.mint, at_s - at_s % BUCKET_SECONDS, trade.venue, trade.quote_mint)


def row_of_bucket(bucket: Bucket, rate: ReferencePrice | None) -> FeatureRow:
    """The bucket's features; `rate` is the SOL price known at its start. See `FeatureRow` for every column.

    Raises ValueError where the bucket holds no trade: it has no row then.
    """
    if not bucket.trades:
        raise ValueError(f"no trade in the bucket {bucket.key}")
    trades = sorted(bucket.trades.values(), key=lambda trade: trade.order_key)
    mint, bucket_start_s, venue, quote_mint = bucket.key
    buys = [trade for trade in trades if trade.is_buy]
    vol_in_raw = sum(trade.quote_raw for trade in buys)
    vol_raw = sum(trade.quote_raw for trade in trades)
    base_decimals = _most(trade.base_decimals for trade in trades)
    quote_decimals = QUOTE_DECIMALS.get(quote_mint, _most(trade.quote_decimals for trade in trades))
    rate_e9 = exact.rate_e9_of(rate.price_usd) if rate else None
    vol_in_e18, vol_out_e18 = (_in_sol_e18(quote_mint, one, rate_e9) for one in (vol_in_raw, vol_raw - vol_in_raw))
    net_e18 = None if vol_in_e18 is None or vol_out_e18 is None else vol_in_e18 - vol_out_e18
    usd_e18, usd_source = _in_usd_e18(quote_mint, vol_raw, rate_e9, rate.source if rate else "")
    prices = [(trade.quote_raw, trade.base_raw) for trade in trades if _is_priced(trade)]
    open_e18, close_e18 = (
        exact.price_e18(*one, quote_decimals, base_decimals) if prices else None
        for one in (prices[0] if prices else (0, 0), prices[-1] if prices else (0, 0))
    )
    return FeatureRow(
        mint=mint,
        bucket_start_s=bucket_start_s,
        venue=venue,
        quote_mint=quote_mint,
        trades=len(trades),
        buys=len(buys),
        sells=len(trades) - len(buys),
        uniq_signers=len({trade.signer for trade in trades}),
        holders_touched=len({trade.trader for trade in trades}),
        vol_in_raw=vol_in_raw,
        vol_out_raw=vol_raw - vol_in_raw,
        base_volume_raw=sum(trade.base_raw for trade in trades),
        base_decimals=base_decimals,
        quote_decimals=quote_decimals,
        vol_in_sol=_decimal(vol_in_e18),
        vol_out_sol=_decimal(vol_out_e18),
        net_inflow_sol=_decimal(net_e18),
        volume_usd=_decimal(usd_e18),
        usd_source=usd_source,
        sol_usd=_decimal(rate_e9 * 10**9 if rate_e9 is not None else None),
        sol_usd_source=rate.source if rate and rate_e9 is not None else "",
        sol_usd_confidence=_decimal(exact.confidence_e18(rate.confidence) if rate and rate_e9 is not None else None),
        whale_share_top5=_decimal(exact.ratio_e18(_whales_raw(trades), exact.PLACES, vol_raw)),
        large_trade_share=_decimal(_large_share_e18(quote_mint, trades, vol_raw)),
        open_price=_decimal(open_e18),
        close_price=_decimal(close_e18),
        price_change=_decimal(exact.return_ppb(prices[0], prices[-1]) * _PPB_IN_E18 if prices else None),
        realised_volatility=_decimal(_volatility_ppb(prices) * _PPB_IN_E18 if prices else None),
        available_at_s=bucket_start_s + BUCKET_SECONDS,
    )


def _is_priced(trade: Trade) -> bool:
    decimals = trade.base_decimals
    least_base_raw = LEAST_PRICED_RAW if decimals is None or decimals >= 3 else 10**decimals
    return (
        least_base_raw <= trade.base_raw <= MOST_PRICED_RAW and LEAST_PRICED_RAW <= trade.quote_raw <= MOST_PRICED_RAW
    )


def _most(values: Iterable[int | None]) -> int | None:
    """A mint's decimals never change; the greatest, should transactions disagree all the same."""
    return max((value for value in values if value is not None), default=None)


def _in_sol_e18(quote_mint: str, amount_raw: int, rate_e9: int | None) -> int | None:
    if quote_mint == NATIVE_MINT:
        return amount_raw * 10**9
    if quote_mint in DOLLARS and rate_e9 is not None:
        return exact.micro_dollars_in_sol_e18(amount_raw, rate_e9)
    return None


def _in_usd_e18(quote_mint: str, amount_raw: int, rate_e9: int | None, source: str) -> tuple[int | None, str]:
    """(value, by whose word)."""
    if quote_mint in DOLLARS:
        return (amount_raw * 10**12, PAR) if amount_raw <= MOST_VOLUME_RAW else (None, "")
    if quote_mint == NATIVE_MINT and rate_e9 is not None:
        usd_e18 = exact.lamports_in_usd_e18(amount_raw, rate_e9)
        return usd_e18, source if usd_e18 is not None else ""
    return None, ""


def _whales_raw(trades: list[Trade]) -> int:
    by_trader: dict[str, int] = {}
    for trade in trades:
        by_trader[trade.trader] = by_trader.get(trade.trader, 0) + trade.quote_raw
    return sum(sorted(by_trader.values(), reverse=True)[:WHALES])


def _large_share_e18(quote_mint: str, trades: list[Trade], vol_raw: int) -> int | None:
    least_raw = LARGE_TRADE_RAW.get(quote_mint)
    if least_raw is None:
        return None
    large_raw = sum(trade.quote_raw for trade in trades if trade.quote_raw >= least_raw)
    return exact.ratio_e18(large_raw, exact.PLACES, vol_raw)


def _volatility_ppb(prices: list[tuple[int, int]]) -> int:
    return isqrt(sum(exact.return_ppb(before, after) ** 2 for before, after in pairwise(prices)))


def _decimal(value_e18: int | None) -> Decimal | None:
    return None if value_e18 is None else exact.decimal_of_e18(value_e18)
