"""Exact money in columns: integers in, prices of 18 decimal places out, rounded once, half to even. No float anywhere.

Polars lets Int128 wrap in silence, so every product is bounded before it is made; the few rows beyond the bound are
computed as Python integers. What does not fit Decimal(38,18) is null: no price beats a wrong one.
"""

from collections.abc import Callable

import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]

PLACES = 18
MONEY = pl.Decimal(38, PLACES)
"""Prices and money: 18 places, below 10^20."""

_MOST_POWER = 38
# Twice a remainder must still fit, hence a quarter of Int128's range.
_MOST = 2**125
_TOO_LARGE = 10**38
_SPARE_POWERS = (18, 16, 14, 12, 10, 8, 6)
_POWERS = pl.Series([10**power for power in range(_MOST_POWER + 1)], dtype=pl.Int128)
_ROOM = pl.Series([_MOST // 10**power for power in range(_MOST_POWER + 1)], dtype=pl.Int128)


def scaled_ratio(numerator: pl.Series, power: pl.Series, denominator: pl.Series) -> pl.Series:
    """numerator × 10^power ÷ denominator in whole numbers (Int128), half to even, row by row.

    Numerators are at least 0, powers from −38 to 76, denominators above 0 (else the row is null). Null where any input is,
    and where the result has more than 38 digits.
    """
    power = power.cast(pl.Int64)
    raised = power.clip(0, _MOST_POWER)
    lowered = (-power).clip(0, _MOST_POWER)
    columns = pl.DataFrame(
        {
            "n": numerator.cast(pl.Int128),
            "d": denominator.cast(pl.Int128),
            "e": power,
            "up": _POWERS.gather(raised),
            "up_room": _ROOM.gather(raised),
            "down": _POWERS.gather(lowered),
            "down_room": _ROOM.gather(lowered),
        }
    )
    is_bounded = (
        (pl.col("n") <= pl.col("up_room")) & (pl.col("d") <= pl.col("down_room")) & (pl.col("e") <= _MOST_POWER)
    )
    is_known = (pl.col("d") > 0) & (pl.col("n") >= 0) & pl.col("e").is_not_null()
    columns = columns.with_columns(is_bounded.alias("is_bounded"), is_known.alias("is_known"))
    dividend = pl.when("is_bounded", "is_known").then(pl.col("n") * pl.col("up"))
    divisor = pl.when("is_bounded", "is_known").then(pl.col("d") * pl.col("down"))
    bounded = columns.select(n=dividend, d=divisor).select(_half_even(pl.col("n"), pl.col("d")).alias("q"))["q"]
    return _complete(bounded, columns, lambda n, d, e: (n * 10 ** max(e, 0), d * 10 ** max(-e, 0)), ("n", "d", "e"))


def scaled_product(left: pl.Series, right: pl.Series) -> pl.Series:
    """left × right ÷ 10^18 in whole numbers (Int128), half to even: the product of two scaled prices, at least 0 each."""
    # Rates have few digits: what all of them can be divided by need not be multiplied first.
    spare = _common_power(right)
    columns = pl.DataFrame({"a": left.cast(pl.Int128), "b": right.cast(pl.Int128)})
    columns = columns.with_columns(pl.col("b") // _whole(10**spare))
    room = _whole(_MOST) // pl.max_horizontal("b", _whole(1))
    columns = columns.with_columns(
        (pl.col("a") <= room).alias("is_bounded"), ((pl.col("a") >= 0) & (pl.col("b") >= 0)).alias("is_known")
    )
    product = pl.when("is_bounded", "is_known").then(pl.col("a") * pl.col("b"))
    divisor = 10 ** (PLACES - spare)
    bounded = columns.select(n=product).select(_half_even(pl.col("n"), _whole(divisor)).alias("q"))["q"]
    return _complete(bounded, columns, lambda a, b: (a * b, divisor), ("a", "b"))


def _common_power(numbers: pl.Series) -> int:
    """The largest of a few powers of ten that every number can be divided by."""
    tried = pl.DataFrame({"b": numbers.cast(pl.Int128)}).select(
        (pl.col("b") % _whole(10**power) == 0).all().alias(str(power)) for power in _SPARE_POWERS
    )
    return next((power for power, is_common in zip(_SPARE_POWERS, tried.row(0), strict=True) if is_common), 0)


def as_money(scaled: pl.Series) -> pl.Series:
    """Scaled whole numbers as Decimal(38,18), the same digits: nothing is computed."""
    plain = scaled.cast(pl.Decimal(38, 0)).rechunk().to_arrow()
    typed = pa.Array.from_buffers(pa.decimal128(38, PLACES), len(plain), plain.buffers(), offset=plain.offset)
    return pl.Series(scaled.name, typed, dtype=MONEY)


def half_even(numerator: int, denominator: int) -> int:
    """The named rounding rule itself: the nearest whole number to numerator ÷ denominator (at least 0), ties to even."""
    quotient, remainder = divmod(numerator, denominator)
    is_up = 2 * remainder > denominator or (2 * remainder == denominator and quotient % 2 == 1)
    return quotient + is_up


def _half_even(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    quotient = numerator // denominator
    twice = (numerator - quotient * denominator) * _whole(2)
    odd = quotient % _whole(2) == 1
    is_up = (twice > denominator) | ((twice == denominator) & odd)
    return quotient + is_up.cast(pl.Int128)


def _complete(
    bounded: pl.Series, columns: pl.DataFrame, fraction: Callable[..., tuple[int, int]], names: tuple[str, ...]
) -> pl.Series:
    """`bounded`, with the rows beyond the bound computed as Python integers, and nulls where 38 digits do not do."""
    beyond = columns.with_row_index("row").filter(pl.col("is_known") & ~pl.col("is_bounded")).select("row", *names)
    if beyond.height:
        exact = [half_even(*fraction(*values)) for _row, *values in beyond.iter_rows()]
        fitting = [value if value < _TOO_LARGE else None for value in exact]
        bounded = bounded.scatter(beyond["row"], pl.Series(fitting, dtype=pl.Int128))
    return pl.DataFrame({"q": bounded}).select(pl.when(pl.col("q") < _whole(_TOO_LARGE)).then("q"))["q"]


def _whole(number: int) -> pl.Expr:
    return pl.lit(number, dtype=pl.Int128)
