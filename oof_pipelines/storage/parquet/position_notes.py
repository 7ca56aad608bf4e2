"""What is noted of a bucket's published positions and moments: which files are served, and what they were made of."""

from datetime import date, datetime

import msgspec


class PositionNote(msgspec.Struct, frozen=True):
    """Of a bucket's positions. `sha256` are its files' with a space between, '' while they are being replaced.

    `inputs` is a digest of all that they were made of. Days are of the bucket's events, None without any; `last_open_day` is
    the last one whose prices a moment may look at, None while units are held or in pools.
    """

    sha256: str
    inputs: str
    first_day: date | None
    last_day: date | None
    last_open_day: date | None


class MomentNote(msgspec.Struct, frozen=True):
    """Of a bucket's moments and extremes, likewise. `detector_versions` are kind=version, commas between.

    `as_of` is the instant of the chain at which they were looked at.
    """

    sha256: str
    inputs: str
    detector_versions: str
    as_of: datetime
