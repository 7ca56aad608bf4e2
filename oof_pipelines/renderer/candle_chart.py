"""A picture of a mint's candles: prices above, volume below, times in UTC. Numbers become floats here alone, to be drawn."""

import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import matplotlib.dates as mdates
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

WIDTH_PX, HEIGHT_PX = 1200, 675
_DPI = 100
_RISE, _FALL, _VWAP, _INK, _GRID = "#1a8f5a", "#c8453b", "#3b6fc8", "#222222", "#dddddd"
_BODY_SHARE = 0.7
# A body thinner than this share of the prices drawn could not be seen.
_THINNEST_BODY = 0.004
_NARROWEST_BODY = 0.003
_MARGIN_SHARE = 0.08
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
# From so many zeros behind the point on, their number is written small instead of them: 0.0₅123.
_ZEROS_WRITTEN = 3
_SHOWN_DIGITS = 4


@dataclass(frozen=True, slots=True)
class ChartCandle:
    """One candle: prices in quote a whole token, `volume` in whole quote, `trades` counted, `excluded` left out of it."""

    start_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    vwap: Decimal
    volume: Decimal
    trades: int
    excluded: int


@dataclass(frozen=True, slots=True)
class ChartLabels:
    """What the picture says beside its numbers: the token, the money, the length of a candle, and a line of provenance."""

    token: str
    quote: str
    timeframe: str
    source: str


def draw_candles(candles: Sequence[ChartCandle], step: timedelta, labels: ChartLabels) -> bytes:
    """The PNG, 1200 × 675. `candles` ascend in time, at least one; `step` is the length of each. Same input, same bytes."""
    if not candles:
        raise ValueError("a chart needs at least one candle")
    figure = Figure(figsize=(WIDTH_PX / _DPI, HEIGHT_PX / _DPI), dpi=_DPI, facecolor="white")
    prices, volumes = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1], "hspace": 0.06})
    _draw_prices(prices, candles, step)
    _draw_volumes(volumes, candles, step)
    _set_time_axis(volumes, candles, step)
    prices.set_ylabel(f"{labels.quote} a token")
    volumes.set_ylabel(f"volume, {labels.quote}")
    # A token may call itself $$, which would be read as a formula.
    token = labels.token.replace("$", r"\$")
    title = f"{token} / {labels.quote} · {labels.timeframe}"
    prices.set_title(title, loc="left", fontsize=15, fontweight="bold")
    figure.text(0.09, 0.02, _summary(candles, labels), fontsize=9, color="#555555")
    figure.subplots_adjust(left=0.09, right=0.97, top=0.92, bottom=0.12)
    picture = io.BytesIO()
    with warnings.catch_warnings():
        # A token may have a name in any script; what the font lacks is drawn as a box, and nobody need be told.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        FigureCanvasAgg(figure).print_png(picture, metadata={"Software": None})
    return picture.getvalue()


def shown_price(price: Decimal) -> str:
    """A price as people read it: four digits that count, and the zeros before them as a small number from four on."""
    if price == 0:
        return "0"
    exponent = price.adjusted()
    if exponent >= _SHOWN_DIGITS:
        return f"{price:,.0f}"
    places = max(0, _SHOWN_DIGITS - 1 - exponent)
    text = f"{price:,.{places}f}"
    whole, _, digits = text.partition(".")
    digits = digits.rstrip("0")
    zeros = len(digits) - len(digits.lstrip("0"))
    if whole.strip("-") == "0" and zeros > _ZEROS_WRITTEN:
        digits = f"0{str(zeros).translate(_SUBSCRIPTS)}{digits[zeros:]}"
    return f"{whole}.{digits}" if digits else whole


def _draw_prices(axes: Any, candles: Sequence[ChartCandle], step: timedelta) -> None:
    low, high = float(min(candle.low for candle in candles)), float(max(candle.high for candle in candles))
    # Where every price is one and the same, the axis still needs a height.
    height = (high - low) or high or 1.0
    for candle in candles:
        color = _RISE if candle.close >= candle.open else _FALL
        middle = mdates.date2num(candle.start_at + step / 2)
        axes.vlines(middle, float(candle.low), float(candle.high), color=color, linewidth=1)
        bottom, top = sorted((float(candle.open), float(candle.close)))
        body = max(top - bottom, _THINNEST_BODY * height)
        axes.bar(middle, body, _body_days(candles, step), bottom=(bottom + top - body) / 2, color=color, linewidth=0)
    _draw_vwap(axes, candles, step)
    axes.set_ylim(max(0.0, low - _MARGIN_SHARE * height), high + _MARGIN_SHARE * height)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: shown_price(_read_back(value))))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8))
    axes.grid(visible=True, color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="upper right", frameon=False)
    axes.tick_params(axis="x", labelbottom=False)


def _draw_vwap(axes: Any, candles: Sequence[ChartCandle], step: timedelta) -> None:
    """A line that breaks where nobody traded: between two prices far apart in time there is no price."""
    middles: list[float] = []
    values: list[float] = []
    previous: ChartCandle | None = None
    for candle in candles:
        if previous is not None and candle.start_at - previous.start_at > step:
            middles.append(mdates.date2num(previous.start_at + step))
            values.append(math.nan)
        middles.append(mdates.date2num(candle.start_at + step / 2))
        values.append(float(candle.vwap))
        previous = candle
    axes.plot(middles, values, color=_VWAP, linewidth=1, marker=".", label="VWAP")


def _draw_volumes(axes: Any, candles: Sequence[ChartCandle], step: timedelta) -> None:
    axes.bar(
        [mdates.date2num(candle.start_at + step / 2) for candle in candles],
        [float(candle.volume) for candle in candles],
        _body_days(candles, step),
        color=[_RISE if candle.close >= candle.open else _FALL for candle in candles],
        linewidth=0,
    )
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: shown_price(_read_back(value))))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.grid(visible=True, color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _set_time_axis(axes: Any, candles: Sequence[ChartCandle], step: timedelta) -> None:
    first, last = candles[0].start_at, candles[-1].start_at + step
    # A few lonely candles would be as wide as the picture: at least so many fit.
    missing = max(timedelta(0), 12 * step - (last - first))
    axes.set_xlim(mdates.date2num(first - missing / 2 - step), mdates.date2num(last + missing / 2 + step))
    locator = mdates.AutoDateLocator(tz=UTC, minticks=4, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=UTC))
    axes.set_xlabel("UTC")


def _summary(candles: Sequence[ChartCandle], labels: ChartLabels) -> str:
    first, last = candles[0].start_at, candles[-1].start_at
    trades, excluded = sum(candle.trades for candle in candles), sum(candle.excluded for candle in candles)
    left_out = f", {excluded} left out as dust, thin or outlying" if excluded else ""
    counted = "1 candle" if len(candles) == 1 else f"{len(candles)} candles"
    return (
        f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} · {counted} of {trades} trades{left_out} · "
        f"last {shown_price(candles[-1].close)} · {labels.source}"
    )


def _body_days(candles: Sequence[ChartCandle], step: timedelta) -> float:
    """The width of a candle: most of its time, but over a long time with few candles never so little that it vanishes."""
    drawn = candles[-1].start_at - candles[0].start_at + step
    return max(step * _BODY_SHARE, drawn * _NARROWEST_BODY) / timedelta(days=1)


def _read_back(value: float) -> Decimal:
    return Decimal(repr(float(value)))
