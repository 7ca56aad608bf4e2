"""What of `exact.py` pricing/exact.py does not have over columns: returns, and the integer square root.

In 128-bit integers, which Polars lets wrap in silence: every product here is bounded.
"""

import polars as pl

from oof_pipelines.features.exact import RATIO_SHIFT, UNSHIFTED_BELOW
from oof_pipelines.features.rows import MOST_RATIO_PPB, PARTS_PER_BILLION


def whole(number: int) -> pl.Expr:
    """A constant of 128 bits."""
    return pl.lit(number, pl.Int128)


def return_ppb(
    quote_before: pl.Expr, base_before: pl.Expr, quote_after: pl.Expr, base_after: pl.Expr, *, is_wide: bool = True
) -> pl.Expr:
    """`exact.return_ppb` of amounts from 1 to 2^63 − 1; `is_wide` is False where no product reaches 2^96."""
    numerator, denominator = quote_after * base_before, base_after * quote_before
    if is_wide:
        is_shifted = pl.max_horizontal(numerator, denominator) >= whole(UNSHIFTED_BELOW)
        shifted = (numerator // whole(RATIO_SHIFT), pl.max_horizontal(denominator // whole(RATIO_SHIFT), whole(1)))
        numerator = pl.when(is_shifted).then(shifted[0]).otherwise(numerator)
        denominator = pl.when(is_shifted).then(shifted[1]).otherwise(denominator)
    ratio = numerator * whole(PARTS_PER_BILLION) // denominator
    # Not min_horizontal, which takes null for no bound.
    bounded = pl.when(ratio > whole(MOST_RATIO_PPB)).then(whole(MOST_RATIO_PPB)).otherwise(ratio)
    return bounded - whole(PARTS_PER_BILLION)


def integer_square_root(squared: pl.Expr) -> pl.Expr:
    """The greatest integer whose square is not above `squared`, which is below 2^120: math.isqrt.

    The float is only where to begin: one step of Newton's from there is at or above the root, by less than two.
    """
    begin = pl.max_horizontal(squared.cast(pl.Float64).sqrt().cast(pl.Int128), whole(1))
    root = (begin + squared // begin) // whole(2)
    for _ in range(2):
        root = pl.when(root * root > squared).then(root - whole(1)).otherwise(root)
    return root
