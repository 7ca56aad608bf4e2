"""The picture of candles: its size, that it is the same twice, what its numbers look like, and odd names."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from PIL import Image

from oof_pipelines.renderer.candle_chart import (
    HEIGHT_PX,
    WIDTH_PX,
    ChartCandle,
    ChartLabels,
    draw_candles,
    shown_price,
)

NOON = datetime(2026, 6, 29, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RISE, FALL = (0x1A, 0x8F, 0x5A), (0xC8, 0x45, 0x3B)


def candle(minute: int, opened: str, closed: str) -> ChartCandle:
    low, high = sorted((Decimal(opened), Decimal(closed)))
    return ChartCandle(
        NOON + minute * MINUTE, Decimal(opened), high, low, Decimal(closed), (low + high) / 2, Decimal(7), 3, 1
    )


def drawn(candles: list[ChartCandle], name: str = "COIN") -> bytes:
    return draw_candles(candles, MINUTE, ChartLabels(name, "SOL", "1m", "decoded swaps"))


def colors_in(picture: bytes) -> dict[tuple[int, int, int], int]:
    pixels = Image.open(io.BytesIO(picture)).convert("RGB")
    assert pixels.size == (WIDTH_PX, HEIGHT_PX)
    return {color: count for count, color in pixels.getcolors(maxcolors=1 << 24)}


def test_rising_candles_are_green_and_falling_ones_red() -> None:
    rising = colors_in(drawn([candle(0, "1", "2"), candle(1, "2", "3")]))
    assert rising.get(RISE, 0) > 1_000
    assert FALL not in rising
    falling = colors_in(drawn([candle(0, "3", "2"), candle(1, "2", "1")]))
    assert falling.get(FALL, 0) > 1_000
    assert RISE not in falling


def test_candles_far_apart_are_still_seen() -> None:
    apart = colors_in(drawn([candle(0, "1", "2"), candle(100_000, "1", "2")]))
    assert apart.get(RISE, 0) > 300


def test_the_same_candles_give_the_same_bytes() -> None:
    candles = [candle(0, "0.0000000351", "0.0000000363"), candle(5, "0.0000000363", "0.000000034")]
    assert drawn(candles) == drawn(list(candles))


def test_prices_that_never_moved_still_show() -> None:
    assert colors_in(drawn([candle(0, "5", "5")])).get(RISE, 0) > 100


@pytest.mark.parametrize("token", ["$$", "$\\frac{", "🐸 frog", "名前", ""])
def test_a_token_may_call_itself_anything(token: str) -> None:
    assert colors_in(drawn([candle(0, "1", "2")], token))


def test_no_candle_is_no_chart() -> None:
    with pytest.raises(ValueError, match="at least one candle"):
        drawn([])


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ("0", "0"),
        ("0.0000000351", "0.0₇351"),
        ("0.000000000000123456", "0.0₁₂1235"),
        ("0.0012345", "0.001234"),
        ("0.5", "0.5"),
        ("162.44", "162.4"),
        ("1234.5", "1,234"),
        ("98765", "98,765"),
        ("24", "24"),
    ],
)
def test_prices_are_written_with_four_digits(price: str, text: str) -> None:
    assert shown_price(Decimal(price)) == text
