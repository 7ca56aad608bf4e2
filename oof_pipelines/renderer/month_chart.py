"""A bar a month, up for a gain and down for a loss, as SVG text: pure, and small enough to stand in a run's metadata."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import date

WIDTH, HEIGHT = 640, 180
_TOP, _BOTTOM, _LEFT, _RIGHT = 24, 24, 8, 8
_GAIN, _LOSS, _AXIS = "#2e7d32", "#c62828", "#9e9e9e"
_MOST_LABELS = 12


def month_chart(months: Sequence[tuple[date, int]], title: str) -> str:
    """The SVG of (first day of a month, whole dollars), in the order given; months that are not there leave no room."""
    most = max((abs(dollars) for _, dollars in months), default=0) or 1
    middle = _TOP + (HEIGHT - _TOP - _BOTTOM) // 2
    half = middle - _TOP
    step = (WIDTH - _LEFT - _RIGHT) / max(len(months), 1)
    every = -(-len(months) // _MOST_LABELS) or 1
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="10">',
        f'<text x="{_LEFT}" y="14" font-size="12">{title}</text>',
    ]
    for place, (month, dollars) in enumerate(months):
        height = max(1, abs(dollars) * half // most) if dollars else 0
        left = _LEFT + place * step
        top = middle - height if dollars > 0 else middle
        parts.append(
            f'<rect x="{left + step * 0.1:.1f}" y="{top}" width="{step * 0.8:.1f}" height="{height}" '
            f'fill="{_GAIN if dollars > 0 else _LOSS}"/>'
        )
        if place % every == 0:
            parts.append(f'<text x="{left:.1f}" y="{HEIGHT - 8}">{month:%Y-%m}</text>')
    parts.append(
        f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{middle}" y2="{middle}" stroke="{_AXIS}"/>'
        f'<text x="{WIDTH - _RIGHT}" y="14" text-anchor="end">±{most:,} dollars</text></svg>'
    )
    return "".join(parts)


def as_markdown(svg: str, told: str) -> str:
    """A picture in Markdown, its bytes within; `told` says what it shows where it cannot be shown."""
    return f"![{told}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"
