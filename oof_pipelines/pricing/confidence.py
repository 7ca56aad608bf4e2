"""How far a candle is to be believed, from 0 to 1: the product of four shares, each in whole thousandths, rounded down.

    trades      t / (t + 2): one trade 0.333, ten 0.833
    signers     s / (s + 1): one signer 0.5, ten 0.909
    volume      the believed share of the quote that was traded
    liquidity   r / (r + a usual pool), of the least reserve that a pool of a believed trade showed; 0.7 where none shows it

A look-up takes more off for age (lookup.py), a price by two steps for the second step (two_step.py).
"""

import polars as pl

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.pricing.exact import PLACES, as_money

USUAL_RESERVE_RAW = {NATIVE_MINT: 10 * 10**9, USDC_MINT: 1_500 * 10**6, USDT_MINT: 1_500 * 10**6}
"""The quote in a pool at which it counts half: ten SOL or 1,500 dollars."""

_UNSHOWN = 700
_THOUSAND = 1_000
_SHARES = 4


def with_confidence(candles: pl.DataFrame) -> pl.DataFrame:
    """`candles` with `confidence`; 0 where nothing is believed."""
    usual = pl.col("quote_mint").replace_strict(USUAL_RESERVE_RAW, default=None, return_dtype=pl.Int64)
    reserve = pl.col("quote_reserve_raw").cast(pl.Int128)
    believed = pl.col("quote_volume_raw").cast(pl.Int128)
    told = believed + pl.col("excluded_quote_raw").cast(pl.Int128)
    trades, signers = pl.col("trades").cast(pl.Int128), pl.col("signers").cast(pl.Int128)
    shares = (
        _thousandths(trades, trades + _whole(2)),
        _thousandths(signers, signers + _whole(1)),
        _thousandths(believed, pl.max_horizontal(told, _whole(1))),
        _thousandths(reserve, reserve + usual.cast(pl.Int128)).fill_null(_whole(_UNSHOWN)),
    )
    product = shares[0] * shares[1] * shares[2] * shares[3]
    scale = 10**PLACES // _THOUSAND**_SHARES
    scaled = candles.select((product * _whole(scale)).alias("confidence"))["confidence"]
    return candles.with_columns(as_money(scaled))


def _thousandths(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return part * _whole(_THOUSAND) // whole


def _whole(number: int) -> pl.Expr:
    return pl.lit(number, dtype=pl.Int128)
