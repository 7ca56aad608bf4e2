"""The price of SOL in the golden story as klines of a minute, in the layout of recorded ones, where the story needs them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from oof_pipelines.testing.golden_market import MINUTE_S, sol_usd_cents

_HEADING = "Date,Open,High,Low,Close,Volume"
_BEFORE_MINUTES = 3


def kline_lines(instants_s: Sequence[int | None]) -> list[str]:
    """The heading and a line a minute, for the minutes before and of each instant; a price is the same all day.

    A kline is known when it ends, so the first of a day must end that day: chapters begin after the first quarter of an hour.
    """
    minutes: set[int] = set()
    for instant_s in instants_s:
        if instant_s is not None:
            start_s = instant_s - instant_s % MINUTE_S
            minutes.update(range(start_s - _BEFORE_MINUTES * MINUTE_S, start_s + MINUTE_S, MINUTE_S))
    return [_HEADING, *(_line(minute_s) for minute_s in sorted(minutes))]


def _line(minute_s: int) -> str:
    cents = sol_usd_cents(minute_s)
    price = f"{cents // 100}.{cents % 100:02d}"
    opened = datetime.fromtimestamp(minute_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{opened},{price},{price},{price},{price},1000.0"
