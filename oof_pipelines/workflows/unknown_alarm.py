"""The alarm that a program changed: within an hour, too many of its calls have a discriminator that no layout declares."""

from collections.abc import Sequence

from oof_pipelines.decode.program_names import PROGRAM_NAMES
from oof_pipelines.storage.parquet.decoded_day import ProgramHour, UnknownDiscriminator

FEWEST_CALLS = 20
"""With fewer calls within the hour, one stranger decides the share."""
MOST_UNKNOWN_PERCENT = 5
_EXAMPLES = 3


def unknown_alarm(hours: Sequence[ProgramHour], unknown: Sequence[UnknownDiscriminator]) -> tuple[bool, str]:
    """Whether every program's every hour is quiet, and one line: the worst hours with their commonest discriminator."""
    loud = [
        hour
        for hour in hours
        if hour.calls >= FEWEST_CALLS and hour.unknown_calls * 100 > hour.calls * MOST_UNKNOWN_PERCENT
    ]
    if not loud:
        return True, f"{sum(hour.unknown_calls for hour in hours)} of {sum(hour.calls for hour in hours)} calls"
    loud.sort(key=lambda hour: (-hour.unknown_calls, hour.hour_at, hour.program_id))
    lines = [_line(hour, unknown) for hour in loud[:_EXAMPLES]]
    more = f"; and {len(loud) - _EXAMPLES} more" if len(loud) > _EXAMPLES else ""
    return False, "; ".join(lines) + more


def _line(hour: ProgramHour, unknown: Sequence[UnknownDiscriminator]) -> str:
    name = PROGRAM_NAMES.get(hour.program_id, hour.program_id)
    # Those of an hour and program come with the one called most first.
    worst = next(one for one in unknown if (one.hour_at, one.program_id) == (hour.hour_at, hour.program_id))
    share_percent = hour.unknown_calls * 100 / hour.calls
    return (
        f"{name} {hour.hour_at:%Y-%m-%d %H}h: {hour.unknown_calls} of {hour.calls} calls ({share_percent:.1f} %) unknown, "
        f"most {worst.discriminator} ({worst.calls}, first in {worst.first_signature})"
    )
