"""A decoded day on its way from the files to the tables that serve it."""

from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True, slots=True)
class DecodedDay:
    """What the day's files hold. `counts` are the columns of decoded_days; `slices` are wallet bucket → digest."""

    day: date
    raw: pl.DataFrame
    frames: dict[str, pl.DataFrame]
    counts: dict[str, int]
    slices: dict[int, str]
    actions_sha256: str
    decoder_version: str
