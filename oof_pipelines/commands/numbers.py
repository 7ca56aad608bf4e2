"""Numbers as options: ASCII digits alone. Python's own int() and float() take '٣', '1_000' and 'nan' as well."""

import math
import re
from typing import Any

import click

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class WholeNumber(click.IntRange):
    """An integer between bounds (both included, either may be left out), of at most 18 digits."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; `click.BadParameter` where the text is none."""
        if isinstance(value, str) and not _INTEGER.fullmatch(value.strip()):
            self.fail(f"{value!r} is not a valid integer", param, ctx)
        number: int = super().convert(value, param, ctx)
        return number


class Number(click.FloatRange):
    """A finite decimal number between bounds (both included, either may be left out)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; `click.BadParameter` where the text is none."""
        if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
            self.fail(f"{value!r} is not a valid number", param, ctx)
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


SPEED = Number(0, 10_000)
"""How many times faster than it was recorded a chain runs; 0 is all at once. Faster than this the tip, which goes on
after the last recording, would pass every slot of this century within a day."""
